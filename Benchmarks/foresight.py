#!/usr/bin/env python3
"""What guessing the experts of coming layers is worth: how often it is right, and what it hides.

    Benchmarks/foresight.py [-m FILE [--shares 50,25] [--rounds 5] [--foresight 1] [--threads 2]
        [--tokens 64] [--prompt 128] [--read-limit BYTES_PER_SECOND] [--cache-directory DIRECTORY]]
        [--demo FILE] [--texts FILE ...] [--windows 8] [--json]

First, on the demo model and its texts: the part of the experts that were guessed so many layers ahead,
token by token (`moiety-bench foresight`).

Then, with -m, what reading guessed experts ahead hides of the time of decode, where the process has a
memory cgroup of SHARE percent of the file's bytes and 2 percent more; as root, with nothing else
running. In each round decode is measured with everything in memory, without guesses (--foresight 0) and
with them, one after the other. Of a token's time, what can be hidden is the lesser of two: what it
computes for with everything in memory, and what it waits for the disk without guesses. But nothing can
be hidden from a disk that is never idle: idle_ms is what is left of the time without guesses once the
bytes are read at the speed that the disk was just measured at. Medians of the rounds, and the least and
the most; --read-limit holds the disk to so many bytes per second.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

from limited import TOP, run

TEXTS = [
    os.path.join(TOP, "Tests", "Fixtures", "demo", "val", name + ".txt")
    for name in ("book", "c", "french", "german", "manual", "python")
]


def bench(options):
    return os.path.join(options.build, "moiety-bench")


def accuracies(options):
    """For each text, and for all: the part of the experts that were guessed, by layers ahead."""
    texts = [argument for text in options.texts for argument in ("--text", text)]
    done = subprocess.run(
        [bench(options), "foresight", "-m", options.demo, "--windows", str(options.windows),
         *texts, "--json"],
        capture_output=True, text=True, check=False,
    )
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def decode(options, budget=None, foresight=None):
    """Milliseconds of a token, and of these the ones in which nothing but the disk worked."""
    arguments = [
        bench(options), "model", "-m", options.model, "-p", options.prompt, "-n", options.tokens,
        "-t", options.threads, "--repetitions", 1, "--json",
    ]
    if budget is None:
        done = subprocess.run(
            [str(word) for word in arguments], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            sys.exit(done.stderr)
        return {"token_ms": 1000 / json.loads(done.stdout)["decode_tok_s"]}
    arguments += ["--memory", budget, "--foresight", foresight]
    if options.cache_directory:
        arguments += ["--cache-directory", options.cache_directory]
    figures = run(options, budget * 102 // 100, arguments)
    disk = figures["disk"]
    return {
        "token_ms": 1000 / figures["decode_tok_s"], "stall_ms": disk["stall_ms_per_token"],
        "read_mb": disk["bytes_read_per_token"] / 1e6,
        "in_vain_mb": disk["bytes_read_in_vain_per_token"] / 1e6,
        "disk_gb_s": disk["direct_read_gb_s"], "disk_share": disk["direct_read_share"],
        "guessed": disk["guess_accuracy"],
    }


def one_round(options, budget):
    whole = decode(options)
    without = decode(options, budget, 0)
    ahead = decode(options, budget, options.foresight)
    hideable = min(whole["token_ms"], without["stall_ms"])
    hidden = without["token_ms"] - ahead["token_ms"]
    idle = max(0, without["token_ms"] - without["read_mb"] / without["disk_gb_s"])
    return {
        "in_memory_ms": whole["token_ms"],
        "without_ms": without["token_ms"], "without_stall_ms": without["stall_ms"],
        "ahead_ms": ahead["token_ms"], "ahead_stall_ms": ahead["stall_ms"],
        "hideable_ms": hideable, "hidden_ms": hidden, "hidden_share": hidden / hideable,
        "idle_ms": idle, "read_mb": without["read_mb"], "ahead_in_vain_mb": ahead["in_vain_mb"],
        "disk_gb_s": without["disk_gb_s"], "disk_share": without["disk_share"],
        "ahead_disk_share": ahead["disk_share"],
    } | {
        f"guessed_{distance}_ahead": accuracy
        for distance, accuracy in enumerate(ahead["guessed"])
    }


def hiding(options, share):
    budget = os.path.getsize(options.model) * share // 100
    rounds = []
    for number in range(options.rounds):
        print(f"{share} %: round {number + 1} of {options.rounds}", file=sys.stderr)
        rounds.append(one_round(options, budget))
    return {"share": share, "bytes": budget, "rounds": rounds} | {
        key: {
            "median": round(statistics.median(values), 3),
            "min": round(min(values), 3), "max": round(max(values), 3),
        }
        for key in rounds[0]
        for values in [[figures[key] for figures in rounds]]
    }


def percents(values):
    return ", ".join(f"{value * 100:.1f} %" for value in values)


def write(guesses, hidden):
    print("experts guessed from 0, 1, 2 and 3 layers ahead (in brackets: the heaviest one)")
    for figure in guesses:
        print(f"  {figure['task']}: {percents(figure['accuracy'])} "
              f"({percents(figure['first_accuracy'])})")
    for figures in hidden:
        print(f"{figures['share']} % of the file in memory")
        for key, value in figures.items():
            if isinstance(value, dict):
                print(f"  {key}: {value['median']} ({value['min']} to {value['max']})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model")
    parser.add_argument("--build", default=os.path.join(TOP, ".build", "release"))
    parser.add_argument("--demo", default=os.path.join(TOP, "Models", "moiety-demo-q8_0.gguf"))
    parser.add_argument("--texts", nargs="+", default=TEXTS)
    parser.add_argument("--windows", type=int, default=8)
    parser.add_argument("--shares", default="50,25")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--foresight", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--prompt", type=int, default=128)
    parser.add_argument("--read-limit", type=int)
    parser.add_argument("--cache-directory")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    guesses = accuracies(options)
    shares = [int(word) for word in options.shares.split(",")] if options.model else []
    hidden = [hiding(options, share) for share in shares]
    if options.json:
        print(json.dumps({"guesses": guesses, "hidden": hidden}))
    else:
        write(guesses, hidden)


if __name__ == "__main__":
    main()
