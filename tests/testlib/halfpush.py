"""A client that goes away in the middle of its push.

``halfpush.py PORT BUNDLE`` sends half of the bundle to ``hg serve`` on 127.0.0.1, and
hangs up; ``halfpush.py ssh BUNDLE`` writes what a client would send by SSH to standard
output.
"""

import socket
import sys

_FORCE = b"force".hex()


def main(where, path):
    with open(path, "rb") as file:
        bundle = file.read()
    half = bundle[: len(bundle) // 2]
    if where == "ssh":
        sys.stdout.buffer.write(
            b"unbundle\nheads %d\n%s%d\n%s"
            % (len(_FORCE), _FORCE.encode(), len(bundle), half)
        )
        return
    head = (
        "POST /?cmd=unbundle HTTP/1.1\r\nHost: localhost\r\nX-HgArg-1: heads=%s\r\n"
        "Vary: X-HgArg-1\r\nContent-Type: application/mercurial-0.1\r\n"
        "Content-Length: %d\r\n\r\n" % (_FORCE, len(bundle))
    )
    with socket.create_connection(("127.0.0.1", int(where))) as client:
        client.sendall(head.encode() + half)
        client.shutdown(socket.SHUT_WR)
        # Until the server has seen it.
        while client.recv(1 << 16):
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
