#!/usr/bin/env python3
"""Compares decode with llama.cpp where memory holds a part of the model file only.

Each side runs in a memory cgroup of SHARE percent of the file's bytes and 2 percent more: ours with
--memory, llama.cpp with mmap, once for each of the given read-aheads of the disk. Sides take turns,
ROUNDS times; medians and ratios are printed. As root, with nothing else running.

    Benchmarks/limited.py -m FILE [--peer DIRECTORY] [--shares 50,25] [--rounds 3] [--threads 2]
        [--tokens 32] [--prompt 512] [--read-ahead 128,8192] [--read-limit BYTES_PER_SECOND]
        [--cache-directory DIRECTORY] [--json]

With --read-limit the disk gives neither side more bytes per second, as a slower one would.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# One measurement may take so many seconds.
TIME_LIMIT = 1800


def run(options, limit, arguments, read_ahead=None):
    """Runs a program within a limit of memory and returns what it printed, as JSON."""
    environment = dict(os.environ)
    if options.read_limit:
        environment["READ_LIMIT"] = str(options.read_limit)
    if read_ahead:
        environment["READ_AHEAD_KB"] = str(read_ahead)
    done = subprocess.run(
        [os.path.join(TOP, "Benchmarks", "limited.sh"), str(limit), *map(str, arguments)],
        capture_output=True, text=True, timeout=TIME_LIMIT, check=False, env=environment,
    )
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()[-3:]
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {words}")
    return json.loads(done.stdout)


def ours(options, budget):
    directory = ["--cache-directory", options.cache_directory] if options.cache_directory else []
    figures = run(options, budget * 102 // 100, [
        os.path.join(options.build, "moiety-bench"), "model", "--memory", budget, *directory,
        "-m", options.model, "-p", options.prompt, "-n", options.tokens, "-t", options.threads,
        "--repetitions", 1, "--json",
    ])
    return {"decode": figures["decode_tok_s"], "prefill": figures.get("prefill_tok_s"),
            "disk_share": figures["disk"]["direct_read_share"],
            "disk_gb_s": figures["disk"]["direct_read_gb_s"]}


def theirs(options, budget, read_ahead):
    figures = {}
    for result in run(options, budget * 102 // 100, [
        os.path.join(options.peer, "llama-bench"), "-m", options.model, "-p", options.prompt,
        "-n", options.tokens, "-t", options.threads, "-r", 1, "-o", "json", "-lm", "mmap",
        "--repack", 0,
    ], read_ahead):
        figures["prefill" if result["n_prompt"] > 0 else "decode"] = result["avg_ts"]
    return figures


def medians(results):
    keys = [key for key in results[0] if results[0][key] is not None]
    return {key: round(statistics.median(result[key] for result in results), 3) for key in keys}


def compare(options, what, ours, theirs):
    """Both sides in turn, ROUNDS times: medians of each, and ratios by the better read-ahead."""
    sides = {"moiety": ours}
    for read_ahead in options.read_ahead if options.peer else []:
        sides[f"llama.cpp, read-ahead {read_ahead}"] = lambda number=read_ahead: theirs(number)
    results = {side: [] for side in sides}
    for number in range(options.rounds):
        for side, measured in sides.items():
            print(f"{what}: round {number + 1}, {side}", file=sys.stderr)
            results[side].append(measured())
    figures = {side: medians(measured) for side, measured in results.items()}
    peers = [figures[side] for side in sides if side != "moiety"]
    ratios = {
        part: round(figures["moiety"][part] / max(peer[part] for peer in peers), 2)
        for part in ("decode", "prefill") if peers
    }
    return {"sides": figures, "ratios": ratios}


def measure(options, share):
    budget = os.path.getsize(options.model) * share // 100
    return {"share": share, "bytes": budget} | compare(
        options, f"{share} %", lambda: ours(options, budget),
        lambda read_ahead: theirs(options, budget, read_ahead),
    )


def add_options(parser, prompt):
    """What every comparison within a limit of memory can be told."""
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--build", default=os.path.join(TOP, ".build", "release"))
    parser.add_argument("--peer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--prompt", type=int, default=prompt)
    parser.add_argument(
        "--read-ahead", default="128,8192",
        type=lambda text: [int(word) for word in text.split(",")],
    )
    parser.add_argument("--read-limit", type=int)
    parser.add_argument("--cache-directory")
    parser.add_argument("--json", action="store_true")


def show(options, results, title):
    """Prints what was compared, each under its title."""
    if options.json:
        print(json.dumps(results))
        return
    for result in results:
        print(title(result))
        for side, figures in result["sides"].items():
            print(f"  {side}: " + ", ".join(f"{key} {value}" for key, value in figures.items()))
        for part, ratio in result["ratios"].items():
            print(f"  {part}, ours by theirs: {ratio}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser, prompt=512)
    parser.add_argument("--shares", default="50,25")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    results = [measure(options, int(share)) for share in options.shares.split(",")]
    show(options, results, lambda result: f"{result['share']} % of the file, {result['bytes']} bytes")


if __name__ == "__main__":
    main()
