#!/usr/bin/env python3
"""Takes the disk from under the job ledger, and demands clear refusals and no crash. Needs root.

A coordinator and a worker serve MODEL on this machine. In turn the ledger's disk is full while they
serve, its file cannot be written, and each page of a ledger with jobs is overwritten before a start.
Each time a durable job must be refused with the words that docs/ERRORS.md has, the status must say so,
jobs that need no disk must be answered, and jobs must be recorded again once the disk is in order.
Meanwhile what routers chose cannot be written for the next life: the log must say so, and when it can be.
What `make disks` does.

    scripts/disks.py -m MODEL [--jobs 100] [--pages N] [--json]
"""

import argparse
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

from crashing import BATCH_LIMIT, Cluster, READY_LIMIT, write_prompts
from killing import finish

PAGE = 4096
# The file system of the full disk: it holds the state directory and little more.
DISK = "4m"
# What the log says of the routers' counts while the disk is full, and once there is room.
UNWRITTEN, WRITTEN = "Counts cannot be written", "Counts are written again"


def mount(stack, *arguments):
    """Mounts, and returns what takes the mount away; it is gone at the end in any case."""
    subprocess.run(["mount", *arguments], check=True)
    there = contextlib.ExitStack()
    there.callback(subprocess.run, ["umount", "-l", arguments[-1]], check=False)
    stack.callback(there.close)
    return there.close


class Check:
    """What is asked of a cluster whose ledger is or is not in order."""

    def __init__(self, cluster, faults):
        self.cluster, self.faults = cluster, faults

    def submit(self, *arguments):
        command = [self.cluster.programs["moiety"], "submit", "--coordinator", self.cluster.client,
                   "-p", "int main(", "-n", "8", "--patience", "0", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    @property
    def trouble(self):
        status = self.cluster.programs.json("status", "--coordinator", self.cluster.client)
        return status.get("ledger_trouble") or ""

    def refuses(self, scene, words):
        """A durable job is refused with these words; one that needs no disk is answered."""
        durable, attached = self.submit("--wait"), self.submit("--attached")
        if durable.returncode == 0 or words not in durable.stderr:
            self.faults.append(f"{scene}: a durable job got: {durable.stderr.strip()}")
        if words not in self.trouble:
            self.faults.append(f"{scene}: the status says: {self.trouble or 'nothing'}")
        self.serves(scene, attached)

    def serves(self, scene, answered):
        if answered.returncode != 0 or not answered.stdout.strip():
            self.faults.append(f"{scene}: a job was not answered: {answered.stderr.strip()}")
        if self.cluster.coordinator.poll() is not None:
            self.faults.append(f"{scene}: the coordinator ended")

    def tells(self, scene, words):
        """The log says so, sooner or later."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with open(self.cluster.log_path, encoding="utf-8", errors="replace") as log:
                if words in log.read():
                    return
            time.sleep(0.2)
        self.faults.append(f"{scene}: the log does not say: {words}")

    def recovers(self, scene):
        """Jobs are recorded again, without a restart."""
        deadline = time.monotonic() + 30
        while (answered := self.submit("--wait")).returncode != 0 and time.monotonic() < deadline:
            time.sleep(0.2)
        self.serves(scene, answered)


def full_disk(cluster, check, state):
    filler = os.path.join(state, "filler")
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(PAGE))
    check.refuses("a full disk", "no room for the job ledger")
    check.tells("a full disk", UNWRITTEN)
    os.remove(filler)
    check.recovers("room again")
    check.tells("room again", WRITTEN)


def read_only(cluster, check, stack):
    cluster.stop_coordinator()
    unmount = mount(stack, "--bind", cluster.ledger, cluster.ledger)
    subprocess.run(["mount", "-o", "remount,bind,ro", cluster.ledger], check=True)
    restart(cluster)
    check.refuses("a file that cannot be written", "cannot be written")
    unmount()
    check.recovers("a file that can be written again")


def damaged_pages(cluster, check, limit):
    """Each page in turn; how many starts were refused durable jobs."""
    cluster.stop_coordinator()
    whole = cluster.ledger + ".whole"
    # What lies in the log beside it belongs to the file.
    ledger = sqlite3.connect(cluster.ledger)
    ledger.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ledger.close()
    shutil.copyfile(cluster.ledger, whole)
    pages = os.path.getsize(whole) // PAGE
    refused = 0
    for page in range(min(pages, limit)):
        for name in (cluster.ledger + "-wal", cluster.ledger + "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(name)
        shutil.copyfile(whole, cluster.ledger)
        with open(cluster.ledger, "r+b") as file:
            file.seek(page * PAGE)
            file.write(b"\x5a" * PAGE)
        restart(cluster)
        if check.trouble:
            refused += 1
            check.refuses(f"damaged page {page}", "is damaged")
        else:
            check.serves(f"damaged page {page}", check.submit("--wait"))
        cluster.stop_coordinator()
    return min(pages, limit), refused


def restart(cluster):
    cluster.start_coordinator()
    cluster.programs.json("status", "--coordinator", cluster.client, "--wait", READY_LIMIT)


def run(options, programs, stack):
    faults = []
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="moiety-disks-"))
    state = os.path.join(directory, "coordinator")
    os.mkdir(state)
    mount(stack, "-t", "tmpfs", "-o", f"size={DISK}", "moiety-disks", state)
    os.environ["MOIETY_COORDINATOR_PROFILE_SAVE_INTERVAL"] = "1s"
    cluster = Cluster(programs, options.model, directory, stack)
    check = Check(cluster, faults)
    check.recovers("a disk in order")
    prompts = os.path.join(directory, "prompts.jsonl")
    write_prompts(prompts, options)
    batch = cluster.batch(prompts, os.path.join(directory, "answers.jsonl"))
    batch.communicate(timeout=BATCH_LIMIT)
    if batch.returncode != 0:
        faults.append(f"a batch on a disk in order ended with {batch.returncode}")
    full_disk(cluster, check, state)
    read_only(cluster, check, stack)
    pages, refused = damaged_pages(cluster, check, options.pages)
    if refused == 0:
        faults.append("no damaged page was noticed")
    with open(cluster.log_path, encoding="utf-8", errors="replace") as log:
        text = log.read()
        if "Fatal error" in text or "crash" in text.lower():
            faults.append("the log tells of a crash")
    return {"faults": faults, "pages_damaged": pages, "starts_without_ledger": refused}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--moiety", default=".build/release", help="where our executables are")
    parser.add_argument("--jobs", type=int, default=100, help="jobs that the ledger holds")
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--pages", type=int, default=1000, help="damage so many pages at most")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("disks.py: only root can mount the disks that it takes away")
    # No page damaged is a fault already.
    finish(options, run, done="pages_damaged")


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"disks.py: {error}")
