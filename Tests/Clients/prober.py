#!/usr/bin/env python3
"""Asks a server again and again how it is, from a process of its own that does nothing else.

One that shared its process with a crowd of clients would measure how long they keep it waiting.
"""

import json
import os
import select
import socket
import subprocess
import sys
import time

PAUSE = 0.02
# Above whoever computes, where the system allows it: what is measured is the server's time.
NICENESS = -5


class Prober:
    """Within `with`; afterwards `times` has the seconds of each answer, connection and all."""

    def __init__(self, url, path="/health"):
        self.address = url.removeprefix("http://")
        self.path = path
        self.times = []

    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), self.address, self.path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        return self

    def __exit__(self, *_):
        output, _ = self.process.communicate("stop\n", timeout=60)
        self.times = json.loads(output or "[]")

    def milliseconds(self):
        """The median, the 99th of a hundred, and the longest."""
        times = sorted(self.times)
        assert times, "nothing was answered"
        return [1000 * times[min(len(times) - 1, int(share * len(times)))]
                for share in (0.5, 0.99, 1)]


def probe(host, port, path):
    """One answer to one connection; anything but 200 counts as none."""
    begun = time.perf_counter()
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    with socket.create_connection((host, port), timeout=60) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return time.perf_counter() - begun


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    try:
        os.nice(NICENESS)
    except PermissionError:
        pass
    times = []
    # Whoever started this ends it by a word, or by its own end.
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        times.append(probe(host, int(port), sys.argv[2]))
    print(json.dumps(times))


if __name__ == "__main__":
    main()
