"""GET a URL as a client does that has nothing but the URL.

No credentials, no cookies, no redirect followed: what comes back is what the
URL alone is good for. Proxies of the environment are used, as by boto3.
"""

import dataclasses
import http.client
import typing
import urllib.error
import urllib.request

from .base import StoreUnavailable
from .s3clients import one_line

#: What a client of ours asks a redirect target for.
ACCEPT = "application/mercurial-cbor"


@dataclasses.dataclass(frozen=True)
class Answer:
    status: int
    body: bytes


class _FollowNothing(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: typing.Any) -> None:
        return None


def get(url: str, most_bytes: int, timeout_seconds: float) -> Answer:
    """The status and the first ``most_bytes`` of the body.

    Raises StoreUnavailable when no answer comes.
    """
    request = urllib.request.Request(url, headers={"Accept": ACCEPT})
    opener = urllib.request.build_opener(_FollowNothing())
    try:
        with opener.open(request, timeout=timeout_seconds) as response:
            return Answer(response.status, response.read(most_bytes))
    except urllib.error.HTTPError as err:
        # An answer too, for us. Its body explains, and is not compared.
        err.close()
        return Answer(err.code, b"")
    except urllib.error.URLError as err:
        raise StoreUnavailable(_reason(err.reason))
    except (OSError, http.client.HTTPException, ValueError) as err:
        raise StoreUnavailable(_reason(err))


def _reason(err):
    return one_line(err) if str(err) else type(err).__name__
