"""The names and metadata of cached objects.

::

    <prefix>cache/<repo-id digest>/v1/getbundle/<digest of a segment's changesets>
    <prefix>cache/<repo-id digest>/v2/<command>/<request digest>
    <prefix>cache/<repo-id digest>/list-1/<count>
    <prefix>try/<repo-id digest>/<SHA-256 of a bundle that was pushed>

``cache/`` stands before everything that may be deleted at any time: a
lifecycle rule on ``<prefix>cache/`` expires cached responses and never
touches what else lives in the bucket. The digest of the repository's identity
comes next, so that one repository's objects can be listed and deleted.

``try/`` stands before the work of users, of which there is no other copy. A store
in a folder knows such a key by its end, and never evicts what is there (see
hgs3/objectstore/filenames.py); nothing that lists or purges ``cache/`` meets it.
"""

import hashlib
import typing

#: Part of every key and of every object's metadata. Raise it when a release
#: writes something else into an object of the same request.
FORMAT_VERSION = 2

#: Part of the key of each list of chunks.
LIST_FORMAT_VERSION = 1

#: The media type of a body: the CBOR objects of one response, one after the
#: other (Mercurial's wire protocol version 2, "content redirects").
MEDIA_TYPE = "application/mercurial-cbor"


def repo_digest(repo_id: bytes) -> str:
    """32 hexadecimal digits for the identity of a repository."""
    return hashlib.sha256(repo_id).hexdigest()[:32]


def object_key(
    prefix: str, repo_digest: str, protocol: str, command: str, request: str
) -> str:
    """Name the object that holds the response to one request."""
    return "%scache/%s/%s/%s/%s" % (
        prefix,
        repo_digest,
        protocol,
        command,
        request,
    )


def cache_folder(prefix: str) -> str:
    """What the keys of all cached objects begin with."""
    return "%scache/" % prefix


def repo_folder(prefix: str, repo_digest: str) -> str:
    """What the keys of one repository's objects begin with, and no other's."""
    return "%s%s/" % (cache_folder(prefix), repo_digest)


def try_folder(prefix: str, repo_digest: str) -> str:
    """What the keys of all pushes to one repository begin with, and no other's."""
    return "%stry/%s/" % (prefix, repo_digest)


def try_key(prefix: str, repo_digest: str, sha256_hex: str) -> str:
    """Name the object of a push whose bundle has this SHA-256::

    <prefix>try/<repo-id digest>/<SHA-256 of the uncompressed bundle file>
    """
    return try_folder(prefix, repo_digest) + sha256_hex


def command_of(folder: str, key: str) -> str:
    """The command whose response is at ``key`` in a repository's ``folder``.

    "" for what is no response.
    """
    parts = key[len(folder) :].split("/")
    return parts[1] if len(parts) == 3 else ""


def lease_key(object_key: str) -> str:
    """Name the lease of the object at ``object_key``::

        <prefix>cache/<repo-id digest>/lease/v2/<command>/<request digest>

    Beside what it is for, so that the same rules and purges meet it.
    """
    repo, protocol, command, request = object_key.rsplit("/", 3)
    return "/".join((repo, "lease", protocol, command, request))


def list_key(prefix: str, repo_digest: str, count: int) -> str:
    """Name the list of where ``count`` chunks of a repository's history, after the
    first, begin, see :class:`hgs3.cache.blocks.Layout`::

        <prefix>cache/<repo-id digest>/list-<format>/<count>
    """
    folder = repo_folder(prefix, repo_digest)
    return "%slist-%d/%d" % (folder, LIST_FORMAT_VERSION, count)


def metadata(
    command: str, repo_digest: str, size_bytes: int, sha256_hex: str
) -> typing.Dict[str, str]:
    """What is kept beside a body. ``repo-id`` is the digest of it: metadata
    is ASCII, and the path of a repository may be anything."""
    return {
        "command": command,
        "repo-id": repo_digest,
        "format-version": str(FORMAT_VERSION),
        "size": str(size_bytes),
        "sha256": sha256_hex,
    }
