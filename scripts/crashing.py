#!/usr/bin/env python3
"""Kills the coordinator again and again while a batch runs, and demands that no job notices.

A coordinator and a worker serve MODEL on this machine. The same batch of seeded jobs runs twice: in
peace, then while the coordinator is killed with -9 at random moments and started again. Every job must
end exactly once with the text that it had in peace; every job that was acknowledged must be in the
ledger; and the ledger must be whole. What `make crashing` does.

    scripts/crashing.py -m MODEL [--jobs 500] [--kills 200] [--tokens 600] [--seed N] [--json]
"""

import argparse
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from killing import PROMPTS, finish

# Seconds that the cluster may take to be ready, and a batch to end after the last kill.
READY_LIMIT, BATCH_LIMIT = 60, 900
COMPLETED = 2


class Cluster:
    def __init__(self, programs, model, directory, stack):
        self.programs, self.model, self.directory = programs, model, directory
        self.client = f"ipc://{directory}/clients"
        self.log_path = os.path.join(directory, "coordinator.log")
        self.log = stack.enter_context(open(self.log_path, "ab"))
        self.coordinator = None
        self.worker = self.start(
            "moiety-worker", "-m", model, "--name", "worker", "-t", "1",
            "--coordinator", f"ipc://{directory}/workers",
            "--state-directory", f"{directory}/worker",
        )
        stack.callback(self.end)
        self.start_coordinator()
        self.programs.json("status", "--coordinator", self.client, "--wait", READY_LIMIT)

    def start(self, program, *arguments):
        return subprocess.Popen(
            [self.programs[program], *arguments], stdout=self.log, stderr=self.log
        )

    def start_coordinator(self):
        self.coordinator = self.start(
            "moiety-coordinator", "-m", self.model, "--workers", "worker", "-t", "1",
            "--client-endpoint", self.client, "--data-endpoint", f"ipc://{self.directory}/data",
            "--worker-endpoint", f"ipc://{self.directory}/workers", "--http-endpoint", "none",
            "--state-directory", f"{self.directory}/coordinator",
        )

    def kill_coordinator(self):
        self.coordinator.kill()
        self.coordinator.wait()
        self.start_coordinator()

    def stop_coordinator(self):
        self.coordinator.send_signal(signal.SIGTERM)
        return self.coordinator.wait(timeout=60)

    def end(self):
        for process in [self.worker, self.coordinator]:
            if process is not None:
                process.kill()
                process.wait()

    @property
    def ledger(self):
        return os.path.join(self.directory, "coordinator", "jobs.sqlite")

    def acknowledged(self):
        """Jobs that the log says were acknowledged."""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return set(re.findall(r"Job accepted.*?\bjob=(job-\d+-\d+)", log.read()))

    def batch(self, prompts, output):
        command = [self.programs["moiety"], "submit", "--coordinator", self.client,
                   "--file", prompts, "--output", output, "--patience", "120"]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )


def write_prompts(path, options):
    with open(path, "w", encoding="utf-8") as file:
        for number in range(options.jobs):
            body = {"prompt": PROMPTS[number % len(PROMPTS)], "max_tokens": options.tokens,
                    "temperature": 0.7 if number % 3 else 0, "seed": number}
            line = {"custom_id": f"request-{number}", "method": "POST",
                    "url": "/v1/completions", "body": body}
            file.write(json.dumps(line) + "\n")


def results(path, faults):
    """Text by custom id; what is there twice, or is an error, is a fault."""
    texts = {}
    with open(path, encoding="utf-8") as file:
        for line in map(json.loads, file):
            name = line["custom_id"]
            if name in texts:
                faults.append(f"{name} ended twice")
            if line.get("error"):
                faults.append(f"{name} failed: {line['error']['message']}")
            else:
                texts[name] = line["response"]["body"]["choices"][0]["text"]
    return texts


def kill_during(cluster, batch, options):
    """Kills until it was often enough or the batch has ended; how often."""
    chance = random.Random(options.seed)
    count = 0
    while count < options.kills and batch.poll() is None:
        time.sleep(chance.uniform(0, options.life))
        if batch.poll() is None:
            cluster.kill_coordinator()
            count += 1
    return count


def check_ledger(cluster, job_count, faults):
    ledger = sqlite3.connect(f"file:{cluster.ledger}?mode=ro", uri=True)
    verdict = ledger.execute("PRAGMA integrity_check").fetchall()
    if verdict != [("ok",)]:
        faults.append(f"the ledger is damaged: {verdict[:3]}")
    states = dict(ledger.execute("SELECT state, count(*) FROM job GROUP BY state"))
    if states != {COMPLETED: job_count}:
        faults.append(f"jobs by state are {states} instead of {job_count} completed")
    left = ledger.execute("SELECT count(*) FROM piece").fetchone()[0]
    if left:
        faults.append(f"{left} pieces of jobs are left over")
    known = {f"job-{life}-{number}"
             for life, number in ledger.execute("SELECT life, number FROM job")}
    lost = cluster.acknowledged() - known
    if lost:
        faults.append(f"acknowledged and lost: {sorted(lost)}")
    return len(cluster.acknowledged())


def run(options, programs, stack):
    faults = []
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="moiety-crashing-"))
    prompts = os.path.join(directory, "prompts.jsonl")
    write_prompts(prompts, options)
    cluster = Cluster(programs, options.model, directory, stack)
    outputs = [os.path.join(directory, name) for name in ("peace.jsonl", "crashes.jsonl")]
    kills, seconds = 0, []
    for output in outputs:
        start = time.monotonic()
        batch = cluster.batch(prompts, output)
        if output == outputs[1]:
            kills = kill_during(cluster, batch, options)
        _, words = batch.communicate(timeout=BATCH_LIMIT)
        seconds.append(round(time.monotonic() - start, 1))
        if batch.returncode != 0:
            faults.append(f"the batch ended with {batch.returncode}: {words.strip()}")
    peace, crashes = (results(output, faults) for output in outputs)
    if len(peace) != options.jobs or peace != crashes:
        wrong = [name for name, text in peace.items() if crashes.get(name) != text]
        faults.append(f"{len(wrong)} answers differ: {wrong[:5]}")
    if cluster.stop_coordinator() != 0:
        faults.append("the coordinator did not stop in order")
    resumed = 0
    with open(cluster.log_path, encoding="utf-8", errors="replace") as log:
        text = log.read()
        resumed = len(re.findall(r"Job resumed", text))
        begun = len([n for n in re.findall(r"Job resumed.*?tokens=(\d+)", text) if int(n) > 0])
    return {
        "jobs": len(crashes), "faults": faults, "kills": kills, "resumed": resumed,
        "resumed_with_tokens": begun,
        "acknowledged": check_ledger(cluster, 2 * options.jobs, faults),
        "peace_s": seconds[0], "crashes_s": seconds[1], "seed": options.seed,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--moiety", default=".build/release", help="where our executables are")
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--tokens", type=int, default=600)
    parser.add_argument("--life", type=float, default=1.0, help="seconds of a life at most")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    finish(options, run)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        sys.exit(f"crashing.py: {error}")
