#!/usr/bin/env python3
"""Works within a budget of memory for an hour and demands that it holds, ten times a second.

A worker with a budget computes the experts of MODEL for a coordinator, which random jobs keep busy:
short and long prompts, some of them cancelled. `moiety run --memory` answers other ones beside it, one
process after the other. Every answer must be that of a process without a budget, and neither's resident
memory may ever be more than TOLERANCE above the budget, by the kernel's own mark of the most that it was.
What `make budget` does.

    scripts/budget.py -m MODEL [--memory BYTES] [--minutes 60] [--clients 3] [--seed N] [--json]
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

from killing import JOB_LIMIT, Programs, finish

QUESTIONS = 16
LONGEST_PROMPT, LONGEST_ANSWER = 2000, 48
CANCELLED = 0.1
SAMPLE_PAUSE = 0.1
TOLERANCE = 0.02
START_LIMIT = 600
WORDS = "the cat sat on a mat int main return def print Haus und Wald 1024 == { } \n".split(" ")


def make_question(chance):
    prompt = " ".join(chance.choices(WORDS, k=chance.randint(1, LONGEST_PROMPT // 4)))
    return ["-p", prompt, "-n", str(chance.randint(1, LONGEST_ANSWER)),
            "--temp", "0.7", "--seed", str(chance.randrange(1 << 31))]


def most_bytes(process):
    """The most that was resident until now, as the kernel noted it; None once it has ended."""
    try:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


class Samples(threading.Thread):
    """Looks at processes, of each kind one after the other, until told to stop."""

    def __init__(self, *names):
        super().__init__()
        self.processes = dict.fromkeys(names)
        self.counts, self.most = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
        self.over, self.longest_pause = False, 0

    def run(self):
        # Those that it watches take all cores; only root may come before them.
        if os.geteuid() == 0:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)
        last = due = time.monotonic()
        while not self.over:
            for name, process in self.processes.items():
                value = most_bytes(process) if process else None
                if value:
                    self.counts[name] += 1
                    self.most[name] = max(self.most[name], value)
            now = time.monotonic()
            self.longest_pause, last = max(self.longest_pause, now - last), now
            due += SAMPLE_PAUSE
            time.sleep(max(0, due - now))


class Cluster:
    """A coordinator and one worker with a budget."""

    def __init__(self, options, programs, directory, log, stack):
        self.client = f"ipc://{directory}/clients"
        workers = f"ipc://{directory}/workers"
        self.programs = programs

        def start(program, *arguments):
            process = subprocess.Popen(
                [programs[program], *map(str, arguments)], stdout=log, stderr=log
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        start(
            "moiety-coordinator", "-m", options.model, "--workers", "worker", "-t", 1,
            "--client-endpoint", self.client, "--worker-endpoint", workers,
            "--data-endpoint", f"ipc://{directory}/data", "--http-endpoint", "none",
            "--state-directory", f"{directory}/coordinator",
        )
        self.worker = start(
            "moiety-worker", "-m", options.model, "--name", "worker", "-t", 1,
            "--coordinator", workers, "--memory", options.memory,
            "--state-directory", f"{directory}/worker", "--cache-directory", options.cache,
        )
        deadline = time.monotonic() + START_LIMIT
        while not self.is_ready():
            if time.monotonic() > deadline or self.worker.poll() is not None:
                raise RuntimeError("the worker is not ready")
            time.sleep(1)

    def is_ready(self):
        try:
            return self.programs.json("status", "--coordinator", self.client)["workers_ready"] == 1
        except RuntimeError:
            # The coordinator reads the model first.
            return False


class Client(threading.Thread):
    """Asks one question after the other, until the end comes."""

    def __init__(self, name, commands, expected, end, seed, watch=None):
        super().__init__()
        self.name, self.commands, self.expected, self.end = name, commands, expected, end
        self.chance, self.watch = random.Random(seed), watch
        self.right, self.cancelled, self.faults = 0, 0, []

    def run(self):
        while time.monotonic() < self.end and not self.faults:
            self.ask(self.chance.randrange(QUESTIONS))

    def ask(self, number):
        limit = self.chance.uniform(0, 3) if self.chance.random() < CANCELLED else None
        with subprocess.Popen(
            self.commands[number], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            if self.watch:
                self.watch.processes[self.name] = process
            try:
                text, words = process.communicate(timeout=limit or JOB_LIMIT * 10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                if limit:
                    self.cancelled += 1
                else:
                    self.faults.append(f"{self.name}: question {number} hangs")
                return
        if process.returncode != 0:
            self.faults.append(f"{self.name}: question {number}: {words.strip()[-300:]}")
        elif text.strip("\n") != self.expected[number]:
            self.faults.append(f"{self.name}: question {number} was answered otherwise")
        else:
            self.right += 1


def run(options, programs, stack):
    chance = random.Random(options.seed)
    questions = [make_question(chance) for _ in range(QUESTIONS)]
    expected = []
    for number, question in enumerate(questions):
        print(f"question {number + 1} of {QUESTIONS}, without a budget", file=sys.stderr)
        answer = programs.json("run", "-m", options.model, *question)
        expected.append(answer["text"].strip("\n"))
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="moiety-budget-"))
    options.cache = options.cache_directory or f"{directory}/cache"
    log = stack.enter_context(open(options.log, "ab"))
    cluster = Cluster(options, programs, directory, log, stack)
    end = time.monotonic() + 60 * options.minutes
    samples = Samples("worker", "run")
    samples.processes["worker"] = cluster.worker
    moiety = programs["moiety"]
    submit = [[moiety, "submit", "--attached", "--coordinator", cluster.client, *question]
              for question in questions]
    alone = [[moiety, "run", "-m", options.model, "--memory", str(options.memory), "-t", "1",
              "--cache-directory", options.cache, *question] for question in questions]
    clients = [Client(f"client {number}", submit, expected, end, chance.random())
               for number in range(options.clients)]
    clients.append(Client("run", alone, expected, end, chance.random(), samples))
    for thread in [samples, *clients]:
        thread.start()
    for thread in clients:
        thread.join()
    samples.over = True
    samples.join()
    faults = [fault for client in clients for fault in client.faults]
    if cluster.worker.poll() is not None:
        faults.append(f"the worker ended with {cluster.worker.returncode}")
    for name, most in samples.most.items():
        if most > options.memory * (1 + TOLERANCE):
            faults.append(f"{name}: {most} bytes, {most / options.memory:.3f} of it")
    return {
        "jobs": sum(client.right for client in clients),
        "cancelled": sum(client.cancelled for client in clients),
        "faults": faults,
        "budget_bytes": options.memory,
        "samples": samples.counts,
        "longest_pause_s": round(samples.longest_pause, 3),
        "most_bytes": samples.most,
        "most_share": {name: round(most / options.memory, 4) for name, most in samples.most.items()},
        "seed": options.seed,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--memory", type=int, help="in bytes; default: half of the file's")
    parser.add_argument("--moiety", default=".build/release", help="where our executables are")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--clients", type=int, default=3)
    parser.add_argument("--cache-directory", help="for the packed experts; default: a new one")
    parser.add_argument("--log", default=os.devnull, help="where the daemons' words go")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.memory = options.memory or os.path.getsize(options.model) // 2
    finish(options, run)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        sys.exit(f"budget.py: {error}")
