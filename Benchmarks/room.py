#!/usr/bin/env python3
"""How much longer prompts and larger batches are with part of the experts in memory.

    Benchmarks/room.py [--percent 60] [--length 512] [--batch 4]

makes a model of random weights 95 % of whose bytes are experts. The budget is what a process takes
that has all of them, and keys and values for so many tokens in so many sequences. In that budget,
with `--lossy emoe` and so many percent of the experts, the longest prompt of as many sequences and
the largest batch of as many tokens are looked for by what `moiety-bench model` says that it needs;
then both are run, and what they took and how fast they were is told.
"""

import argparse
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile

from loss import ROOT

SHAPE = [
    "--type", "Q8_0", "--hidden", "512", "--experts", "128", "--top-k", "8",
    "--expert-width", "768", "--layers", "2", "--heads", "4", "--kv-heads", "2",
    "--head-length", "64", "--vocabulary", "13000", "--context", "131072",
]  # fmt: skip
LAYERS, EXPERTS, TOP_K = 2, 128, 8
# Positions come in pages of so many.
PAGE = 256
DECODED = 16


class Room:
    def __init__(self, options, scratch):
        self.options = options
        self.model = str(pathlib.Path(scratch) / "random.gguf")
        self.cache = str(pathlib.Path(scratch) / "cache")
        self.call("make-model", self.model, *SHAPE)
        moiety = pathlib.Path(options.bench).with_name("moiety")
        shown = self.run([str(moiety), "model", "show", self.model, "--json"])
        self.show = json.loads(shown.stdout)
        self.expert_bytes = self.show["experts"]["bytes"]
        self.slot = self.show["experts"]["bytes_each"]

    def run(self, command):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{result.stderr}")
        return result

    def call(self, *arguments):
        return self.run([self.options.bench, *arguments])

    def model_command(self, workload, memory, lossy):
        lossy = ["--lossy", "emoe"] if lossy else []
        return [
            self.options.bench, "model", "-m", self.model, "-t", str(self.options.threads),
            "--repetitions", str(self.options.repetitions), "--memory", str(memory),
            "--cache-directory", self.cache, "--json", *workload, *lossy,
        ]  # fmt: skip

    def fixed(self, workload):
        """Bytes that a workload takes besides experts, as the command says when it refuses."""
        result = subprocess.run(
            self.model_command(workload, 1 << 20, True), capture_output=True, text=True, check=False
        )
        found = re.search(r"need (\d+)MiB", result.stderr)
        if not found:
            sys.exit(result.stderr)
        return (int(found.group(1)) << 20) - LAYERS * TOP_K * self.slot

    def figures(self, workload, memory, lossy):
        return json.loads(self.run(self.model_command(workload, memory, lossy)).stdout)

    def largest(self, workload, budget, step, least, most):
        """The largest number whose workload leaves room for the percentage of the experts."""
        wanted = math.ceil(self.options.percent / 100 * LAYERS * EXPERTS)
        room = budget - wanted * self.slot
        low, high = least // step, most // step
        while low < high:
            middle = (low + high + 1) // 2
            if self.fixed(workload(middle * step)) <= room:
                low = middle
            else:
                high = middle - 1
        return low * step


def mega(count):
    return f"{count / 1e6:.0f} MB"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", default=str(ROOT / ".build/release/moiety-bench"))
    parser.add_argument("--percent", type=float, default=60)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        room = Room(options, scratch)
        part = room.expert_bytes / room.show["bytes"] * 100
        print(f"{mega(room.show['bytes'])}, {part:.1f} % of them experts")

        def prompts(length):
            return ["-p", str(length), "-n", "1", "--batch", str(options.batch)]

        def batches(batch):
            context = str(options.length - DECODED)
            return ["-p", "0", "-n", str(DECODED), "--context", context, "--batch", str(batch)]

        for name, workload, start, step, most in [
            ("prompt of", prompts, options.length, PAGE, 1 << 17),
            ("batch of", batches, options.batch, 1, 256),
        ]:
            # Rounded up by the command to whole MiB; that much is nobody's.
            budget = room.fixed(workload(start)) + room.expert_bytes + (1 << 20)
            key = "prefill_tok_s" if workload is prompts else "decode_tok_s"
            whole = room.figures(workload(start), budget, False)
            if "disk" in whole:
                sys.exit("not all experts are in memory")
            print(f"budget {mega(budget)}: all experts, {name} {start}: ", end="")
            print(f"{mega(whole['peak_memory_bytes'])} at most, {whole[key]:.1f} tok/s", flush=True)
            found = room.largest(workload, budget, step, start, most)
            some = room.figures(workload(found), budget, True)
            experts = some["disk"]["present_experts"] / (LAYERS * EXPERTS) * 100
            print(f"the same with {experts:.1f} % of the experts: {name} {found} ", end="")
            print(f"({found / start:.1f}x), {mega(some['peak_memory_bytes'])} at most, ", end="")
            print(f"{some[key]:.1f} tok/s ({some[key] / whole[key]:.2f}x)", flush=True)


if __name__ == "__main__":
    main()
