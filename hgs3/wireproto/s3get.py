"""Short URLs, and the web command that answers them.

A bundle2 part that names an object has 255 bytes for its URL, and a presigned
one is longer. So a client is given a URL of our own::

    <URL of the repository>/s3get/<token>

and, when it comes there, is sent on to a URL that is presigned at that moment.
"""

import time

from .. import crossing, generation
from .. import service as servicemod
from ..cache import key as cachekey
from ..cache import token as tokenmod
from . import requestscope

COMMAND = b"s3get"

#: What a parameter of a bundle2 part can hold.
MAX_URL_BYTES = 255

#: The kinds of objects that a token can name.
SEGMENT = "s"


def base_url(service, repo):
    """The URL that clients reach ``repo`` by, without a slash at its end;
    bytes, or None where it is not known.

    That is ``public-url``, or what the request of this thread came to.
    """
    public_url = service.settings.short_urls.public_url
    if public_url:
        return crossing.to_bytes(public_url)
    request = requestscope.current()
    if request is None:
        return None
    url = requestscope.base_url(request)
    if url is None:
        servicemod.report_once(
            repo.ui,
            "no short urls for requests that come through another server, until "
            "s3wireprotocache.public-url is set",
        )
    return url


def url_for(service, repo, base_url, kind, name):
    """A short URL for the object ``name`` (bytes) of the ``kind``, as bytes.

    None when there is no secret to sign it with, or when it would be longer
    than a part can hold: then the object must not be named to a client.
    """
    secret = servicemod.url_secret(service, repo)
    if secret is None:
        return None
    token = tokenmod.make(
        secret,
        _repo_digest(service, repo),
        kind,
        name,
        int(time.time()) + service.settings.short_urls.lifetime_seconds,
        generation.read(repo),
    )
    url = b"%s/%s/%s" % (base_url, COMMAND, crossing.to_bytes(token))
    return url if len(url) <= MAX_URL_BYTES else None


def _repo_digest(service, repo):
    return cachekey.repo_digest(service.settings.repo_id or repo.root)
