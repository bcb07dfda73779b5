"""``ministackuser.py URL BUCKET NAME ACTION...``: arrange a ministack server.

Makes BUCKET, unless it is there, and a user NAME who may do each ACTION (such
as ``s3:*``) with all objects; prints the settings that hold the user's keys.
"""

import json
import pathlib
import sys

import boto3

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from testlib.ministack import ROOT_KEY, ROOT_SECRET


def main(url, bucket, name, *actions):
    def client(service):
        return boto3.session.Session().client(
            service,
            endpoint_url=url,
            region_name="us-west-2",
            aws_access_key_id=ROOT_KEY,
            aws_secret_access_key=ROOT_SECRET,
        )

    s3 = client("s3")
    if bucket not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(
            Bucket=bucket,
            CreateBucketConfiguration={"LocationConstraint": "us-west-2"},
        )
    iam = client("iam")
    iam.create_user(UserName=name)
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }
    iam.put_user_policy(
        UserName=name, PolicyName="s3", PolicyDocument=json.dumps(policy)
    )
    keys = iam.create_access_key(UserName=name)["AccessKey"]
    print("[s3wireprotocache]")
    print("access-key-id = %s" % keys["AccessKeyId"])
    print("secret-access-key = %s" % keys["SecretAccessKey"])


if __name__ == "__main__":
    main(*sys.argv[1:])
