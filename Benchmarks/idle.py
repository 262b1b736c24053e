#!/usr/bin/env python3
"""What it is worth that workers load, while they have nothing to compute, what tasks used.

A cluster of this machine (`moiety serve`, two workers) serves MODEL with --memory for its experts,
once with coordinator.idle-loading false and once with true. Each text is a task. Prompts of the
first half of each are answered, so that its choices are counted. Then prompts of the second halves
come, in an order drawn from the seed, with PAUSE seconds between them; at last both workers are
killed, and once they are back, and PAUSE seconds later, one more prompt comes; ROUNDS times. With
--everything the coordinator is stopped with them, and all start again. Told are the part of the
chosen experts that were in memory, how many were not, how many were there because they had been
loaded so, how long the workers waited for the disk, and the time to the first token. The answers
must be the same both times.

    Benchmarks/idle.py --memory BYTES [-m MODEL] [--texts FILE ...] [--length 384] [--tokens 16]
        [--prompts 24] [--rounds 3] [--pause 1] [--seed 1] [--everything] [--json]
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time

from prefix import TOP, ask

TEXTS = [
    os.path.join(TOP, "Tests", "Fixtures", "demo", "val", name + ".txt")
    for name in ("book", "c", "french", "german", "manual", "python")
]
COUNTERS = ["stored_uses", "stored_hits", "stored_foreseen", "idle_loads", "idle_uses"]
# Workers tell what they count with every heartbeat.
HEARTBEAT = 0.1


def counters(cluster):
    time.sleep(3 * HEARTBEAT)
    found = {name: cluster.metric(f"worker_{name}_total") for name in COUNTERS}
    found["stall_s"] = cluster.metric("worker_stall_seconds_total")
    return found


def answer(cluster, prompt, task, options):
    before = counters(cluster)
    first, text, _ = ask(cluster.url, prompt, options.tokens, task=task)
    after = counters(cluster)
    figures = {name: after[name] - before[name] for name in after}
    return {"first_s": first, "text": text, **figures}


def halves(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    return text[:len(text) // 2], text[len(text) // 2:]


def pieces(text, length, count):
    return [text[start * length:(start + 1) * length] for start in range(count)]


def sequence(options):
    """Task and prompt, in the order in which they come."""
    chance = random.Random(options.seed)
    count = options.prompts // len(options.texts) + options.rounds + 1
    later = {path: pieces(halves(path)[1], options.length, count) for path in options.texts}
    order = [path for _ in range(options.prompts // len(options.texts)) for path in options.texts]
    chance.shuffle(order)
    last = [chance.choice(options.texts) for _ in range(options.rounds)]
    return [[(path, later[path].pop(0)) for path in paths] for paths in (order, last)]


def wait_for(is_so, what, limit=120):
    end = time.monotonic() + limit
    while not is_so():
        if time.monotonic() > end:
            raise RuntimeError(f"no {what} within {limit} s")
        time.sleep(0.05)


def restart(cluster, everything):
    """Kills both workers, or stops all, and waits until they serve again."""
    if everything:
        return cluster.restart()
    for name in ("worker-1", "worker-2"):
        cluster.kill_worker(name)
    # What a worker counts begins at 0 with each of its lives.
    wait_for(lambda: cluster.metric("worker_stored_uses_total") == 0, "new worker")
    wait_for(lambda: cluster.metric("workers_ready") == 2, "two workers")


def measure(options, is_on):
    from cluster import Cluster
    mixed, alone = sequence(options)
    settings = {
        "idle_loading": str(is_on).lower(), "prefix_cache": "off",
        "heartbeat_interval": f"{int(HEARTBEAT * 1000)}ms",
    }
    with Cluster(model=options.model, memory=options.memory, **settings) as cluster:
        for path in options.texts:
            for prompt in pieces(halves(path)[0], options.length, 4):
                ask(cluster.url, prompt, options.tokens, task=os.path.basename(path))
        between, after = [], []
        for path, prompt in mixed:
            time.sleep(options.pause)
            between.append(answer(cluster, prompt, os.path.basename(path), options))
        for path, prompt in alone:
            restart(cluster, options.everything)
            time.sleep(options.pause)
            after.append(answer(cluster, prompt, os.path.basename(path), options))
    return between, after


def summary(answers):
    def total(name):
        return sum(answer[name] for answer in answers)

    return {
        "answers": len(answers),
        "in_memory": total("stored_hits") / max(1, total("stored_uses")),
        "missed": (total("stored_uses") - total("stored_hits")) / len(answers),
        "loaded_uses": total("idle_uses") / len(answers),
        "stall_ms": total("stall_s") * 1000 / len(answers),
        "first_ms": statistics.median(answer["first_s"] for answer in answers) * 1000,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model",
                        default=os.path.join(TOP, "Models", "moiety-demo-q8_0.gguf"))
    parser.add_argument("--moiety", default=os.path.join(TOP, ".build", "release"))
    parser.add_argument("--memory", required=True, help="bytes of both workers together")
    parser.add_argument("--texts", nargs="+", default=TEXTS)
    parser.add_argument("--length", type=int, default=384, help="characters of a prompt")
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pause", type=float, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--everything", action="store_true", help="the coordinator stops, too")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ["PROGRAMS"] = os.path.abspath(options.moiety)
    sys.path.insert(0, os.path.join(TOP, "Tests", "Clients"))
    found = {is_on: measure(options, is_on) for is_on in (False, True)}
    for off, on in zip(found[False], found[True]):
        if [answer["text"] for answer in off] != [answer["text"] for answer in on]:
            raise RuntimeError("the answers differ")
    result = {
        name: {word: summary(found[is_on][place]) for word, is_on in (("off", False), ("on", True))}
        for place, name in enumerate(("between prompts", "after a restart"))
    }
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'':18}{'idle loading':>14}{'in memory':>11}{'missed':>8}{'of loaded':>11}"
          f"{'waited':>10}{'first':>10}")
    for name, both in result.items():
        for word, line in both.items():
            print(f"{name:18}{word:>14}{line['in_memory'] * 100:9.1f} %{line['missed']:8.0f}"
                  f"{line['loaded_uses']:11.0f}{line['stall_ms']:7.0f} ms{line['first_ms']:7.0f} ms")


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, AssertionError, subprocess.SubprocessError) as error:
        sys.exit(f"idle.py: {error}")
