#!/usr/bin/env python3
"""Measures a model that is larger than all memory of a cluster, beside llama.cpp on its largest node.

    Benchmarks/larger.py -m FILE [--peer DIRECTORY] [--ratios 1.5,3,6] [--workers 2] [--core 450]
        [--rounds 3] [--tokens 32] [--prompt 128] [--read-ahead 128,8192]
        [--read-limit BYTES_PER_SECOND] [--cache-directory DIRECTORY] [--json]

For each ratio the whole cluster, a coordinator and its workers with a core each, has a memory cgroup
of the file's bytes by that ratio: --core megabytes for the coordinator, the rest in equal budgets
(`moiety-worker --memory`). llama.cpp, with mmap and all cores, gets as much as the largest of these
nodes has, at the better of the given read-aheads of the disk. Sides take turns; medians and ratios are
printed. As root, with nothing else running. With --read-limit the disk gives neither side more bytes
per second, as a slower one would.
"""

import argparse
import os
import sys

from limited import add_options, compare, run, show, theirs


def ours(options, memory, budget):
    worker = f"--memory {budget}"
    if options.cache_directory:
        worker += f" --cache-directory {options.cache_directory}"
    figures = run(options, memory, [
        os.path.join(options.build, "moiety-bench"), "cluster", "-m", options.model,
        "-p", options.prompt, "-n", options.tokens, "--workers", options.workers,
        "--repetitions", 1, f"--worker-options={worker}", "--json",
    ])
    return {"decode": figures["decode_tok_s"], "prefill": figures["prefill_tok_s"]}


def measure(options, ratio):
    memory = int(os.path.getsize(options.model) / ratio)
    core = options.core * 1_000_000
    budget = (memory - core) // options.workers
    if budget <= 0:
        sys.exit(f"{memory} bytes leave nothing beside the coordinator's {core} (--core)")
    largest = max(core, budget)
    sizes = {"bytes": memory, "worker_bytes": budget, "largest_node_bytes": largest}
    return {"ratio": ratio} | sizes | compare(
        options, f"{ratio} times the memory", lambda: ours(options, memory, budget),
        lambda read_ahead: theirs(options, largest, read_ahead),
    )


def title(result):
    return (f"{result['ratio']} times the cluster's memory of {result['bytes']} bytes, "
            f"{result['worker_bytes']} of each worker")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser, prompt=128)
    parser.add_argument("--ratios", default="1.5,3,6")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--core", type=int, default=450, help="megabytes of the coordinator")
    options = parser.parse_args()
    options.threads = os.cpu_count()
    results = [measure(options, float(ratio)) for ratio in options.ratios.split(",")]
    show(options, results, title)


if __name__ == "__main__":
    main()
