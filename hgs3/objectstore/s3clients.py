"""The boto3 clients of one bucket: for our requests, and to presign with."""

import re
import urllib.parse

import boto3
import botocore
import botocore.client
import botocore.exceptions
import botocore.session

from .base import StoreSettingsError, StoreUnavailable
from .leanloader import LeanLoader

#: A request is tried this often. The second try is for a pooled connection
#: that the other side has closed meanwhile; more would keep a client waiting.
ATTEMPTS = 2

#: The settings that an endpoint comes from.
PRIVATE = "endpoint-url"
PUBLIC = "public-endpoint-url"

#: What boto3 calls the places that credentials come from, in words.
_CREDENTIALS_SOURCES = {
    "explicit": "from the settings",
    "env": "from environment variables",
    "shared-credentials-file": "from the credentials file of the AWS tools",
    "config-file": "from the configuration file of the AWS tools",
    "iam-role": "from the role of this instance",
    "container-role": "from the role of this container",
}

_QUERY = re.compile(r"\?[^\s\"']*")


class S3Clients:
    """What is made anew when credentials turn up.

    ``on_answer(response, **kwargs)`` is called before boto3 decides about a
    retry, and may raise. ``public_base_url`` is ``scheme://host[:port]/`` of
    what the public client presigns. Raises StoreSettingsError.
    """

    def __init__(self, settings, on_answer):
        session = _make_session(settings)
        self.private = self.public = _make_client(session, settings, PRIVATE)
        if settings.public_endpoint_url:
            self.public = _make_client(session, settings, PUBLIC)
        self.private.meta.events.register_first("needs-retry.s3", on_answer)
        self.public_base_url = _base_url(session, settings, PUBLIC)


def credentials_exist(settings):
    """Whether a new search of all places finds any."""
    return _make_session(settings).get_credentials() is not None


def credentials_source(settings):
    """Where the credentials come from, in words; None when there are none.

    Raises StoreUnavailable when there is a place, but it does not give any.
    """
    try:
        credentials = _make_session(settings).get_credentials()
        if credentials is None:
            return None
        # Those of a role are fetched now, if ever.
        credentials.get_frozen_credentials()
    except StoreSettingsError:
        raise
    except Exception as err:
        # boto3 has a dozen of places, and each fails in its own way: files,
        # programs, HTTP.
        raise StoreUnavailable("credentials cannot be had: %s" % one_line(err)) from err
    return _CREDENTIALS_SOURCES.get(credentials.method, "by %s" % credentials.method)


def _make_session(settings):
    botocore_session = botocore.session.Session()
    botocore_session.register_component("data_loader", LeanLoader())
    try:
        session = boto3.session.Session(
            botocore_session=botocore_session,
            aws_access_key_id=settings.access_key_id or None,
            aws_secret_access_key=settings.secret_access_key or None,
            aws_session_token=settings.session_token or None,
            profile_name=settings.profile or None,
            region_name=settings.region,
        )
        known = session.available_profiles
    except botocore.exceptions.BotoCoreError as err:
        raise StoreSettingsError("profile", one_line(err))
    if settings.profile and settings.profile not in known:
        raise StoreSettingsError(
            "profile",
            "there is no profile %s in the configuration files of the AWS tools"
            % settings.profile,
        )
    return session


def _make_client(session, settings, endpoint_setting, signature_version="s3v4"):
    endpoint_url = _endpoint_url(settings, endpoint_setting)
    config = botocore.client.Config(
        signature_version=signature_version,
        connect_timeout=settings.connect_timeout_seconds,
        read_timeout=settings.read_timeout_seconds,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        # One connection for each thread of a busy server, not boto3's 10.
        max_pool_connections=64,
        # Bodies carry a SHA-256 of our own. Checksums that nobody asked for
        # are sent as trailers, which other S3 servers do not understand.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": _addressing_style(settings, endpoint_url)},
    )
    try:
        return session.client("s3", endpoint_url=endpoint_url or None, config=config)
    except botocore.exceptions.InvalidRegionError as err:
        raise StoreSettingsError("region", one_line(err))
    except ValueError as err:
        raise StoreSettingsError(endpoint_setting, one_line(err))
    except botocore.exceptions.BotoCoreError as err:
        # What else can be wrong comes from the files that a profile is in.
        raise StoreSettingsError("profile", one_line(err))


def _endpoint_url(settings, endpoint_setting):
    if endpoint_setting == PUBLIC:
        return settings.public_endpoint_url or settings.endpoint_url
    return settings.endpoint_url


def _addressing_style(settings, endpoint_url):
    """Say "auto" in words that boto3 takes in the right way.

    Left to itself it presigns for the global host name of Amazon S3, which
    answers a young bucket of another region with a redirect that breaks the
    signature. Named styles give the region's own host. TLS certificates do
    not cover a bucket whose name holds dots as a virtual host.
    """
    style = settings.addressing_style
    if style == "auto" and not endpoint_url:
        return "path" if "." in settings.bucket else "virtual"
    return style


def _base_url(session, settings, endpoint_setting):
    """``scheme://host[:port]/`` that requests for our bucket go to.

    Asked of boto3, which knows every rule for virtual hosts; unsigned, since
    a role's credentials may not be at hand yet.
    """
    client = _make_client(session, settings, endpoint_setting, botocore.UNSIGNED)
    url = client.generate_presigned_url(
        "get_object", Params={"Bucket": settings.bucket, "Key": "-"}
    )
    parts = urllib.parse.urlsplit(url)
    return "%s://%s/" % (parts.scheme, parts.netloc)


def one_line(err):
    """Render an exception for a log: no newline and no query string."""
    return _QUERY.sub("", " ".join(str(err).split())) or type(err).__name__
