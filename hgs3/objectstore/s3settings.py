"""How to reach one bucket; apart from s3.py so that reading it costs no boto3."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class S3Settings:
    """How to reach one bucket. Strings may be empty where a default exists.

    The docstring of the extension describes each item.
    """

    bucket: str
    region: str
    access_key_id: str = ""
    secret_access_key: str = dataclasses.field(default="", repr=False)
    session_token: str = dataclasses.field(default="", repr=False)
    profile: str = ""
    endpoint_url: str = ""
    public_endpoint_url: str = ""
    addressing_style: str = "auto"
    acl: str = "private"
    connect_timeout_seconds: float = 2.0
    read_timeout_seconds: float = 10.0

    @property
    def is_configured(self) -> bool:
        return bool(self.bucket)

    @property
    def description(self) -> str:
        """What it is called in messages."""
        return "bucket %s" % self.bucket
