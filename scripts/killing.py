#!/usr/bin/env python3
"""Hurts a random worker every few seconds while jobs run, and demands that no job notices.

A coordinator and workers serve MODEL on this machine, every expert on two workers. One worker at a
time is killed with -9 and started again, or frozen and let go on. Clients submit jobs all the while:
every answer must be that of one process, whatever happened meanwhile. What `make killing` does.

    scripts/killing.py -m MODEL [--minutes 10] [--workers 3] [--clients 4] [--seed N] [--json]
"""

import argparse
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

PROMPTS = ["NAME\n       ls - ", "int main(void) {", "Es war einmal", "def main():\n"]
ANSWERS = 12
TOKENS = 96
# No job may take longer: it would hang.
JOB_LIMIT = 60
# Seconds that the workers take at most to be found lost, and to be ready again.
LOSS_LIMIT, RETURN_LIMIT = 10, 60


class Programs:
    def __init__(self, directory):
        self.directory = os.path.abspath(directory)

    def __getitem__(self, name):
        return os.path.join(self.directory, name)

    def json(self, *arguments):
        command = [self["moiety"], *map(str, arguments), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"moiety {arguments[0]}: {done.stderr.strip()}")
        return json.loads(done.stdout)


def question(number):
    return ["-p", PROMPTS[number % len(PROMPTS)], "-n", str(TOKENS), "--temp", "0.7",
            "--seed", str(number)]


def plan_with_copies(model, workers):
    """Each expert on two workers, so that any one of them may be missing."""
    counts = [model["experts"]["count"]] * model["layers"]
    layers = [
        [{"replicas": [e % len(workers), (e + 1) % len(workers)]} for e in range(count)]
        for count in counts
    ]
    return {"epoch": 1, "workers": workers, "layers": layers}


class Cluster:
    def __init__(self, programs, model, directory, worker_count, stack):
        self.programs, self.model, self.directory = programs, model, directory
        self.names = [f"worker-{number}" for number in range(worker_count)]
        self.log = stack.enter_context(open(os.path.join(directory, "daemons.log"), "ab"))
        self.workers = {}
        stack.callback(self.end)
        plan = os.path.join(directory, "plan.json")
        with open(plan, "w", encoding="utf-8") as file:
            json.dump(plan_with_copies(programs.json("model", "show", model), self.names), file)
        self.client = f"ipc://{directory}/clients"
        self.coordinator = self.start(
            "moiety-coordinator", "-m", model, "--plan", plan, "--workers", ",".join(self.names),
            "--client-endpoint", self.client, "--data-endpoint", f"ipc://{directory}/data",
            "--http-endpoint", "none",
            "--worker-endpoint", f"ipc://{directory}/workers", "-t", "1",
            "--state-directory", f"{directory}/coordinator",
        )
        for name in self.names:
            self.start_worker(name)
        self.wait_for(worker_count, RETURN_LIMIT)

    def start(self, program, *arguments):
        return subprocess.Popen(
            [self.programs[program], *arguments], stdout=self.log, stderr=self.log
        )

    def start_worker(self, name):
        self.workers[name] = self.start(
            "moiety-worker", "-m", self.model, "--name", name, "-t", "1",
            "--coordinator", f"ipc://{self.directory}/workers",
            "--state-directory", f"{self.directory}/{name}",
        )

    def end(self):
        for process in [*self.workers.values(), self.coordinator]:
            process.kill()
            process.wait()

    def ready(self):
        return self.programs.json("status", "--coordinator", self.client)["workers_ready"]

    def wait_for(self, count, limit):
        """Seconds until exactly so many workers are ready."""
        start = time.monotonic()
        while self.ready() != count:
            if time.monotonic() - start > limit:
                raise RuntimeError(f"not {count} workers are ready after {limit} s")
        return time.monotonic() - start


class Client(threading.Thread):
    """Submits jobs one after the other and compares the answers."""

    def __init__(self, cluster, expected, first, end):
        super().__init__()
        self.cluster, self.expected, self.number, self.deadline = cluster, expected, first, end
        self.right, self.faults, self.gaps = 0, [], []

    def run(self):
        while time.monotonic() < self.deadline:
            self.ask(self.number % ANSWERS)
            self.number += 5

    def ask(self, number):
        command = [self.cluster.programs["moiety"], "submit", "--attached", "--coordinator",
                   self.cluster.client, *question(number)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            alarm = threading.Timer(JOB_LIMIT, process.kill)
            alarm.start()
            text, last, longest = b"", None, 0
            while piece := process.stdout.read1():
                now = time.monotonic()
                longest = max(longest, now - last) if last else 0
                text, last = text + piece, now
            words = process.stderr.read().decode(errors="replace").strip()
            alarm.cancel()
        if process.returncode != 0:
            self.faults.append(f"job {number} ended with {process.returncode}: {words}")
        elif text.decode().strip("\n") != self.expected[number]:
            self.faults.append(f"job {number} answered something else")
        else:
            self.right += 1
            self.gaps.append(longest)


def hurt(cluster, chance):
    """Kills or freezes a worker and sees to its return; what was done, and when it was noticed."""
    name = chance.choice(cluster.names)
    process = cluster.workers[name]
    kind = chance.choice(["killed", "frozen"])
    process.send_signal(signal.SIGKILL if kind == "killed" else signal.SIGSTOP)
    noticed = cluster.wait_for(len(cluster.names) - 1, LOSS_LIMIT)
    time.sleep(chance.uniform(0, 2))
    if kind == "killed":
        process.wait()
        cluster.start_worker(name)
    else:
        process.send_signal(signal.SIGCONT)
    cluster.wait_for(len(cluster.names), RETURN_LIMIT)
    return kind, noticed


def run(options, programs, stack):
    chance = random.Random(options.seed)
    expected = {
        number: programs.json("run", "-m", options.model, *question(number))["text"].strip("\n")
        for number in range(ANSWERS)
    }
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="moiety-killing-"))
    cluster = Cluster(programs, options.model, directory, options.workers, stack)
    end = time.monotonic() + 60 * options.minutes
    clients = [Client(cluster, expected, number, end) for number in range(options.clients)]
    for client in clients:
        client.start()
    noticed = {"killed": [], "frozen": []}
    try:
        while time.monotonic() < end:
            time.sleep(chance.uniform(1, 3))
            kind, seconds = hurt(cluster, chance)
            noticed[kind].append(seconds)
            print(f"{kind}, noticed after {seconds:.2f} s", file=sys.stderr)
    finally:
        for client in clients:
            client.deadline = 0
            client.join()
    gaps = [gap for client in clients for gap in client.gaps]
    return {
        "jobs": sum(client.right for client in clients),
        "faults": [fault for client in clients for fault in client.faults],
        "killed": len(noticed["killed"]),
        "frozen": len(noticed["frozen"]),
        "noticed_s": {
            kind: {"median": statistics.median(times), "longest": max(times)}
            for kind, times in noticed.items() if times
        },
        "longest_gap_s": {"median": statistics.median(gaps), "longest": max(gaps)} if gaps else {},
        "seed": options.seed,
    }


def finish(options, run, done="jobs"):
    """Runs, prints what came of it, and exits with 1 where anything was wrong or nothing was done."""
    with contextlib.ExitStack() as stack:
        result = run(options, Programs(options.moiety), stack)
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        width = max(map(len, result))
        for key, value in result.items():
            print(f"{key:{width}} {value}")
    sys.exit(1 if result["faults"] or not result[done] else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--moiety", default=".build/release", help="where our executables are")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.workers < 2:
        parser.error("copies on two workers need two workers")
    finish(options, run)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        sys.exit(f"killing.py: {error}")
