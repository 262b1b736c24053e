#!/usr/bin/env python3
"""Changes the plan again and again while tokens flow, and demands that no token shows it.

A coordinator and workers serve MODEL on this machine; streams decode greedily all the while. Quiet
times, in which the plan stays as it is, take turns with times in which one random plan follows the
other. Every answer must be that of one process, and the longest gap between two pieces of text must
not grow much. What `make rebalancing` does.

    scripts/rebalancing.py -m MODEL [--plans whole|shards|mixed] [--changes 100] [--streams 8] [--json]

With `whole`, experts are placed whole, on one worker or several. With `shards`, all are cut alike,
and the shards change places. With `mixed`, experts are cut and put together again: then tokens may
differ by rounding, so the perplexity of a text is compared in their stead.
"""

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from killing import PROMPTS, Cluster, finish

TOKENS = 384
# No job may take longer: it would hang.
JOB_LIMIT = 120
# How much log-probabilities of tokens may differ on average where experts are cut otherwise.
ROUNDING = 2e-3


def question(number):
    return ["-p", PROMPTS[number % len(PROMPTS)] + str(number), "-n", str(TOKENS), "--temp", "0"]


class Plans:
    """Random plans of one kind for a model on some workers."""

    def __init__(self, kind, model, workers, chance):
        self.kind, self.workers, self.chance = kind, workers, chance
        self.counts = [model["experts"]["count"]] * model["layers"]
        self.width = model["experts"]["width"]

    def entry(self):
        kind = self.kind if self.kind != "mixed" else self.chance.choice(["whole", "cut", "shards"])
        holders = self.chance.sample(range(len(self.workers)), len(self.workers))
        if kind == "whole":
            copies = holders[: 1 + (self.chance.random() < 0.3)]
            return copies[0] if len(copies) == 1 else {"replicas": sorted(copies)}
        border = self.width // 64 * 32
        if kind == "cut":
            border = 32 * self.chance.randrange(1, self.width // 32)
        ranges = [(0, border), (border, self.width)]
        return {
            "shards": [
                {"worker": holder, "from": start, "to": end}
                for holder, (start, end) in zip(holders, ranges)
            ]
        }

    def make(self):
        layers = [[self.entry() for _ in range(count)] for count in self.counts]
        return {"epoch": 1, "workers": self.workers, "layers": layers}


class Stream(threading.Thread):
    """Submits one question after the other and compares the answers."""

    def __init__(self, cluster, expected, number):
        super().__init__(daemon=True)
        self.cluster, self.expected, self.number = cluster, expected, number
        self.is_over, self.right, self.faults = False, 0, []
        # When each longest gap of a job ended, and how long it was.
        self.gaps = []

    def run(self):
        while not self.is_over:
            self.ask()

    def ask(self):
        command = [self.cluster.programs["moiety"], "submit", "--attached", "--coordinator",
                   self.cluster.client, *question(self.number)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            alarm = threading.Timer(JOB_LIMIT, process.kill)
            alarm.start()
            text, last = b"", None
            while piece := process.stdout.read1():
                now = time.monotonic()
                if last:
                    self.gaps.append((now, now - last))
                text, last = text + piece, now
            words = process.stderr.read().decode(errors="replace").strip()
            alarm.cancel()
        answer = text.decode(errors="replace").strip("\n")
        if process.returncode != 0:
            self.faults.append(f"stream {self.number} ended with {process.returncode}: {words}")
        elif self.expected is not None and answer != self.expected[self.number]:
            self.faults.append(f"stream {self.number} answered something else")
        else:
            self.right += 1


class Changer:
    """Applies one plan after the other, or only looks at the plan, in the same rhythm."""

    def __init__(self, cluster, plans):
        self.cluster, self.plans, self.moves, self.seconds = cluster, plans, 0, []
        self.path = os.path.join(cluster.directory, "next.json")

    def admin(self, *arguments):
        return self.cluster.programs.json(
            "admin", *arguments, "--coordinator", self.cluster.client
        )

    def apply(self):
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(self.plans.make(), file)
        report = self.admin("plan", "apply", "--wait", self.path)
        if report["outcome"] != "done":
            raise RuntimeError(f"a plan was not applied: {report['outcome']}")
        self.moves += report["moves"]
        self.seconds.append(report["seconds"])


def gaps_in(streams, times):
    return [
        gap for stream in streams for end, gap in stream.gaps
        if any(begin <= end <= finish for begin, finish in times)
    ]


def figures(gaps):
    gaps = sorted(gaps)
    if not gaps:
        return {}
    place = lambda share: 1000 * gaps[min(len(gaps) - 1, int(share * len(gaps)))]
    return {
        "pieces": len(gaps), "median_ms": place(0.5), "p99_ms": place(0.99),
        "p999_ms": place(0.999), "longest_ms": 1000 * gaps[-1],
    }


def expected_answers(options, programs, plan):
    arguments = ["--plan", plan] if plan else []
    return {
        number: programs.json("run", "-m", options.model, *arguments, *question(number))["text"]
        .strip("\n")
        for number in range(options.streams)
    }


def run(options, programs, stack):
    chance = random.Random(options.seed)
    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="moiety-rebalancing-"))
    cluster = Cluster(programs, options.model, directory, options.workers, stack)
    model = programs.json("model", "show", options.model)
    plans = Plans(options.plans, model, cluster.names, chance)
    changer = Changer(cluster, plans)
    changer.apply()
    alike = changer.path if options.plans == "shards" else None
    expected = None if options.plans == "mixed" else expected_answers(options, programs, alike)
    changer.moves, changer.seconds = 0, []
    streams = [Stream(cluster, expected, number) for number in range(options.streams)]
    for stream in streams:
        stream.start()
    rounding = Rounding(options, cluster) if options.plans == "mixed" else None
    quiet, busy = [], []
    try:
        for _ in range(options.rounds):
            begin = time.monotonic()
            for _ in range(options.changes // options.rounds):
                changer.apply()
            busy.append((begin, time.monotonic()))
            begin = time.monotonic()
            while time.monotonic() - begin < busy[-1][1] - busy[-1][0]:
                # The same processes start beside the streams.
                subprocess.run(
                    [programs["moiety"], "admin", "plan", "show", "--coordinator", cluster.client],
                    capture_output=True, timeout=60, check=True,
                )
                time.sleep(0.2)
            quiet.append((begin, time.monotonic()))
            if rounding:
                rounding.measure()
    finally:
        for stream in streams:
            stream.is_over = True
        for stream in streams:
            stream.join()
    faults = [fault for stream in streams for fault in stream.faults]
    if rounding and rounding.largest > ROUNDING:
        faults.append(f"log-probabilities differ by {rounding.largest} on average")
    return {
        "plans": options.plans, "changes": len(changer.seconds), "moves": changer.moves,
        "change_s": {"median": statistics.median(changer.seconds), "longest": max(changer.seconds)},
        "jobs": sum(stream.right for stream in streams), "faults": faults,
        "gaps_changing": figures(gaps_in(streams, busy)),
        "gaps_quiet": figures(gaps_in(streams, quiet)),
        "rounding": rounding.largest if rounding else 0, "seed": options.seed,
    }


class Rounding:
    """Compares the log-probabilities of a text with those that whole experts give."""

    def __init__(self, options, cluster):
        self.programs, self.cluster, self.model = cluster.programs, cluster, options.model
        self.text = os.path.join(cluster.directory, "text")
        with open(options.text, "rb") as source, open(self.text, "wb") as file:
            file.write(source.read(1000))
        self.whole = self.log_probability("-m", options.model)
        self.largest = 0

    def log_probability(self, *where):
        return math.log(self.programs.json("perplexity", "-f", self.text, *where)["perplexity"])

    def measure(self):
        here = self.log_probability("-m", self.model, "--coordinator", self.cluster.client)
        self.largest = max(self.largest, abs(here - self.whole))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--moiety", default=".build/release", help="where our executables are")
    parser.add_argument("--plans", choices=["whole", "shards", "mixed"], default="whole")
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=4, help="of changing and of quiet times")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--text", default="README.md", help="for --plans mixed")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.workers < 2:
        parser.error("experts cannot change places on one worker")
    finish(options, run)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"rebalancing.py: {error}")
