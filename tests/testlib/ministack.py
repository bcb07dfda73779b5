"""ministack: an S3 server that, unlike moto's, verifies signatures.

It checks them for the keys of users only, never for its root key, so tests
must use ``keys``.
"""

from __future__ import annotations

import json
import os

from .servers import HOST, _Server, clean_environment

ROOT_KEY = "ministack-root"
ROOT_SECRET = "ministack-root-secret"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}


class Ministack(_Server):
    """Objects and users are in memory and end with the process."""

    def __init__(self, executable: str | os.PathLike[str]) -> None:
        super().__init__(None)
        self._executable = os.fspath(executable)
        #: Access key id and secret of a user who may do all with S3.
        self.keys = ("", "")

    def start(self) -> None:
        """Raises ServerFailed with its output when it does not come up."""
        environment = clean_environment(
            AUTH="true",
            BIND_HOST=HOST,
            GATEWAY_PORT="0",
            SERVICES="s3,iam,sts",
            AWS_ACCESS_KEY_ID=ROOT_KEY,
            AWS_SECRET_ACCESS_KEY=ROOT_SECRET,
            PYTHONUNBUFFERED="1",
        )
        self._start(
            [self._executable], environment, r"Running on http://[^:\s]+:(?P<port>\d+)"
        )

    def create_user_keys(self) -> None:
        """Make a user and set ``keys``."""
        iam = self.root_client("iam")
        iam.create_user(UserName="hg")
        iam.put_user_policy(
            UserName="hg", PolicyName="s3", PolicyDocument=json.dumps(POLICY)
        )
        made = iam.create_access_key(UserName="hg")["AccessKey"]
        self.keys = made["AccessKeyId"], made["SecretAccessKey"]

    def root_client(self, service: str):
        # Here and not above: benchmarks use this package without boto3.
        import boto3

        return boto3.session.Session().client(
            service,
            endpoint_url=self.url,
            region_name="us-west-2",
            aws_access_key_id=ROOT_KEY,
            aws_secret_access_key=ROOT_SECRET,
        )

    def create_bucket(self, name: str) -> None:
        self.root_client("s3").create_bucket(
            Bucket=name,
            CreateBucketConfiguration={"LocationConstraint": "us-west-2"},
        )
