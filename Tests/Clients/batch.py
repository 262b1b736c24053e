"""A batch file of many lines: every line is answered once, and nobody's memory grows with it."""

import json
import os
import subprocess
import time

from cluster import PROGRAMS, Cluster

LINES = int(os.environ.get("LINES", "10000"))
# What the first thousand lines may have left to take.
ROOM_KIB = 24 << 10


def peak(process):
    """KiB that a process had resident at most; 0 once it is gone."""
    try:
        with open(f"/proc/{process}/status") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def submit(cluster, count):
    """Submits a batch of so many lines; how long it took, and the command's peak of memory."""
    source, output = (os.path.join(cluster.directory.name, name) for name in ("in", "out"))
    with open(source, "w") as file:
        for index in range(count):
            body = {"prompt": f"NAME {index}", "max_tokens": 1, "temperature": 0}
            file.write(json.dumps({"custom_id": f"{count}-{index}", "method": "POST",
                                   "url": "/v1/completions", "body": body}) + "\n")
    begun = time.monotonic()
    command = subprocess.Popen(
        [os.path.join(PROGRAMS, "moiety"), "submit", "--file", source, "--output", output,
         "--coordinator", cluster.client],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    highest = 0
    while command.poll() is None:
        highest = max(highest, peak(command.pid))
        time.sleep(0.05)
    took = time.monotonic() - begun
    assert command.returncode == 0, f"the batch ended with {command.returncode}"
    with open(output) as file:
        results = [json.loads(line) for line in file]
    assert all(result["response"]["status_code"] == 200 for result in results)
    names = {result["custom_id"] for result in results}
    assert len(results) == count and len(names) == count, (len(results), len(names))
    os.remove(output)
    return took, highest


def lines():
    """A large batch takes as much memory as a small one, of the command and of the coordinator."""
    with Cluster() as cluster:
        _, small = submit(cluster, 1000)
        before = peak(cluster.coordinator())
        took, large = submit(cluster, LINES)
        after = peak(cluster.coordinator())
        print(f"{LINES} lines in {took:.0f} s; 'moiety submit' at most {large} KiB ({small} for 1,000 "
              f"lines), coordinator {after} KiB ({before})")
        assert large < small + ROOM_KIB, (small, large)
        assert after < before + ROOM_KIB, (before, after)


def tests():
    return [lines]
