"""The redirect target that a server advertises to its v2 clients.

See ``wireprotov2server.getadvertisedredirecttargets`` for the fields, and
``wireprotov2peer.redirecttargetsupported`` for what clients make of them.
"""

import urllib.parse

from .. import crossing

#: What Amazon S3 speaks, and what the TLS library of a client must share.
TLS_VERSIONS = (b"1.2", b"1.3")


def advertised_targets(store):
    """At most one target, as a list of dicts; [] when nothing is presigned."""
    url = store.public_base_url()
    if url is None:
        return []
    parts = urllib.parse.urlsplit(url)
    target = {
        b"name": target_name(store),
        b"protocol": crossing.to_bytes(parts.scheme),
        b"uris": [crossing.to_bytes(url)],
    }
    if parts.scheme == "https":
        target[b"snirequired"] = True
        target[b"tlsversions"] = list(TLS_VERSIONS)
    return [target]


def is_possible(request, store, targets):
    """Whether the client follows a redirect to ``store``, and may.

    ``request`` is hgweb's ``parsedrequest``, ``targets`` the list of names that
    it accepts.
    """
    return target_name(store) in targets and not sends_password_along(request)


def sends_password_along(request):
    """Whether a redirect would take the client's password to the store.

    A client that has authenticated by HTTP Basic sends its ``Authorization``
    with every request from then on, to whatever host. A stranger must not get
    it, and S3 refuses a presigned request that has one, after which the client
    gives up. So such a client is answered through this server.

    Seen by the header, or by what a front server says instead of it. One that
    says nothing of either cannot be noticed.
    """
    if request.headers.get(b"Authorization"):
        scheme = request.headers[b"Authorization"].split(None, 1)[:1]
        return [word.lower() for word in scheme] == [b"basic"]
    authtype = request.rawenv.get(b"AUTH_TYPE", b"").lower()
    return bool(request.rawenv.get(b"REMOTE_USER")) and authtype in (b"", b"basic")


def target_name(store):
    """What clients call the target: host and port that their URLs lead to."""
    url = store.public_base_url()
    return crossing.to_bytes(urllib.parse.urlsplit(url).netloc) if url else None
