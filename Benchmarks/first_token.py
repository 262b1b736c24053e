#!/usr/bin/env python3
"""Measures how long a prompt takes to its first token, with experts placed whole and cut.

A coordinator and two workers on this machine serve MODEL. One after the other these plans are
applied, again and again: `cut` (of each expert a half to each worker) and `contiguous` (a half of
each layer's experts to each worker). Under each, prompts of LENGTH random tokens are asked for over
HTTP, none of them twice.

    Benchmarks/first_token.py -m MODEL [--lengths 120,512] [--rounds 5] [--seed N] [--json]
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

from prefix import TOP, ask


def moiety(cluster, *arguments):
    """What a command of the CLI prints as JSON; `cluster` is whom it asks, if anyone."""
    place = ["--coordinator", cluster.client] if cluster else []
    done = subprocess.run(
        [os.path.join(os.environ["PROGRAMS"], "moiety"), *arguments, *place, "--json"],
        capture_output=True, text=True, timeout=120, check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"moiety {arguments[0]}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def apply(cluster, plan):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(plan, file)
        file.flush()
        report = moiety(cluster, "admin", "plan", "apply", "--wait", file.name)
    if report["outcome"] != "done":
        raise RuntimeError(f"a plan was not applied: {report['outcome']}")


def plans(cluster):
    model = moiety(None, "model", "show", cluster.model)
    count, width = model["experts"]["count"], model["experts"]["width"]
    nodes = moiety(cluster, "nodes")["nodes"]
    border = width // 64 * 32
    cut = {"shards": [{"worker": 0, "from": 0, "to": border},
                      {"worker": 1, "from": border, "to": width}]}
    # The cluster begins with experts placed whole, and refuses a plan that changes nothing.
    layers = {"cut": [cut] * count, "contiguous": [2 * expert // count for expert in range(count)]}
    workers = [node["name"] for node in nodes]
    return {
        name: {"epoch": 1, "workers": workers, "layers": [layer] * model["layers"]}
        for name, layer in layers.items()
    }


def measure(cluster, options):
    chance = random.Random(options.seed)
    times = {}
    for _ in range(options.rounds):
        for name, plan in plans(cluster).items():
            apply(cluster, plan)
            for length in options.lengths:
                prompt = [chance.randrange(100, options.vocabulary) for _ in range(length)]
                first, _, _ = ask(cluster.url, prompt, 1)
                times.setdefault((length, name), []).append(first)
    return {
        "model": os.path.basename(options.model), "seed": options.seed,
        "lengths": [
            {
                "length": length,
                "contiguous_s": round(statistics.median(times[length, "contiguous"]), 4),
                "cut_s": round(statistics.median(times[length, "cut"]), 4),
                "ratio": round(statistics.median(
                    whole / cut
                    for whole, cut in zip(times[length, "contiguous"], times[length, "cut"])
                ), 3),
            }
            for length in options.lengths
        ],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--moiety", default=os.path.join(TOP, ".build", "release"))
    parser.add_argument("--lengths", type=lambda text: [int(word) for word in text.split(",")],
                        default=[120, 512])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vocabulary", type=int, default=1000, help="tokens to draw from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ["MODEL"], os.environ["PROGRAMS"] = options.model, os.path.abspath(options.moiety)
    sys.path.insert(0, os.path.join(TOP, "Tests", "Clients"))
    from cluster import Cluster, wait_until
    with Cluster() as cluster:
        wait_until(lambda: moiety(cluster, "status")["workers_ready"] == 2, "two workers")
        result = measure(cluster, options)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'tokens':>8} {'contiguous':>12} {'cut':>12} {'ratio':>8}")
    for line in result["lengths"]:
        print(f"{line['length']:8} {line['contiguous_s']:10.3f} s {line['cut_s']:10.3f} s "
              f"{line['ratio']:7.2f}x")


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, AssertionError, subprocess.SubprocessError) as error:
        sys.exit(f"first_token.py: {error}")
