"""Look into and arrange moto's store from a shell.

``s3.py ls|mb|rm|head|get|put|damage|wait URL [BUCKET [KEY]]``. moto looks whether a
request is signed, but not whether the signature is right, so plain HTTP does.
"""

import sys
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


#: In the form of a signature, which is all that moto looks at.
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=test-key/20200101/us-east-1/s3/aws4_request,"
    "SignedHeaders=host,Signature=0"
)


def request(method, url, body=None):
    headers = {"Authorization": SIGNED}
    if body is not None:
        # Else moto takes it for a form, and keeps nothing of it.
        headers["Content-Type"] = "application/octet-stream"
    return urllib.request.urlopen(
        urllib.request.Request(url, body, headers, method=method), timeout=10
    )


def objects(url, bucket):
    """(key, size in bytes) of every object, sorted by key."""
    with request("GET", "%s/%s?list-type=2" % (url, bucket)) as response:
        root = xml.etree.ElementTree.parse(response)
    return sorted(
        (
            item.findtext(NAMESPACE + "Key"),
            int(item.findtext(NAMESPACE + "Size")),
        )
        for item in root.iter(NAMESPACE + "Contents")
    )


def wait(url, seconds=60):
    """Return when the server at ``url`` answers; SystemExit when it never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with request("GET", url + "/") as response:
                # To its end: a server may complain of a client that hangs up.
                response.read()
            return
        except urllib.error.HTTPError as err:
            err.read()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("no answer from %s" % url)


def damage(where):
    """Flip one byte in the middle of a body; leave length and metadata."""
    with request("GET", where) as response:
        body = bytearray(response.read())
        headers = {
            name: value
            for name, value in response.headers.items()
            if name.lower().startswith("x-amz-meta-")
        }
    body[len(body) // 2] ^= 0xFF
    # Else moto takes it for a form, and keeps nothing of it.
    headers["Content-Type"] = "application/octet-stream"
    put = urllib.request.Request(where, bytes(body), method="PUT")
    for name, value in dict(headers, Authorization=SIGNED).items():
        put.add_header(name, value)
    urllib.request.urlopen(put, timeout=10).close()


def main(action, url, bucket="", key=""):
    where = "%s/%s/%s" % (url, bucket, key) if key else "%s/%s" % (url, bucket)
    if action == "wait":
        wait(url)
    elif action == "ls":
        for name, size in objects(url, bucket):
            print(name, size)
    elif action == "mb":
        request("PUT", where).close()
    elif action == "rm":
        request("DELETE", where).close()
    elif action == "get":
        with request("GET", where) as response:
            sys.stdout.buffer.write(response.read())
    elif action == "put":
        request("PUT", where, sys.stdin.buffer.read()).close()
    elif action == "damage":
        damage(where)
    elif action == "head":
        with request("HEAD", where) as response:
            for name, value in sorted(response.headers.items()):
                name = name.lower()
                if name == "content-type" or name.startswith("x-amz-meta-"):
                    print("%s: %s" % (name, value))
    else:
        sys.exit("unknown action %s" % action)


if __name__ == "__main__":
    main(*[arg for arg in sys.argv[1:] if arg])
