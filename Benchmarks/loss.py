#!/usr/bin/env python3
"""What --lossy costs: perplexity, divergence and agreement, against the exact model.

    Benchmarks/loss.py -m Models/moiety-demo-q8_0.gguf [--texts FILE ...] [--shares 0.5,0.25]
        [--importance FILE]

For each mode, low tier and share of the experts' bytes in memory it prints one line: the median and
the worst loss over the texts, the mean Kullback-Leibler divergence, how often both find the same
token likeliest, how many of 64 greedy tokens are the same, and which part of the experts' uses was
in few bits or left out. "all low" has every expert in few bits, and nothing else; "hobbit none"
leaves out and holds nothing in fewer bits.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEXTS = sorted((ROOT / "Tests/Fixtures/demo/val").glob("*.txt"))


class Loss:
    def __init__(self, options, cache):
        self.program = options.program
        self.model = options.model
        self.cache = cache
        self.context = options.context
        self.rounding = ["--importance", options.importance] if options.importance else []

    def run(self, text, mode, tier, memory):
        command = [
            self.program, "perplexity", "-m", self.model, "-f", text, "-c", str(self.context),
            "--memory", str(memory), "--cache-directory", self.cache,
            "--lossy", mode, "--low-tier", tier, "--json", *self.rounding,
        ]  # fmt: skip
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def least(self, text, mode, tier):
        """Bytes that a mode needs at least, as it says itself."""
        errors = self.run(text, mode, tier, 1 << 20).stderr
        found = re.search(r"need (\d+)MiB", errors)
        if not found:
            sys.exit(errors)
        return int(found.group(1)) << 20

    def figures(self, text, mode, tier, memory):
        result = self.run(text, mode, tier, memory)
        if result.returncode != 0:
            self.errors = result.stderr.strip()[-200:]
            return None
        return json.loads(result.stdout)

    def repeated(self, text, mode, tier, memory):
        """What a process takes differs a little from run to run."""
        for extra in range(8):
            run = self.figures(text, mode, tier, memory + (extra << 18))
            if run is not None:
                return run
        print(f"{mode} {tier}: {self.errors}", file=sys.stderr)
        return None


def expert_bytes(program, model):
    shown = subprocess.run(
        [program, "model", "show", model, "--json"], capture_output=True, text=True, check=True
    )
    return json.loads(shown.stdout)["experts"]["bytes"]


def line(name, share, runs):
    def of(key, by=statistics.mean):
        return by([run[key] for run in runs])

    if not runs:
        return f"| {name} | {share} | does not fit |"
    losses = [run["perplexity_loss"] * 100 for run in runs]
    return (
        f"| {name} | {share} | {statistics.median(losses):.2f} % | {max(losses):.2f} % "
        f"| {of('kl_divergence'):.4f} | {of('same_likeliest') * 100:.1f} % "
        f"| {of('greedy_agreement_64') * 100:.0f} % | {of('low_share') * 100:.1f} % "
        f"| {of('skipped_share') * 100:.1f} % |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--program", default=str(ROOT / ".build/release/moiety"))
    parser.add_argument("--texts", nargs="+", default=[str(text) for text in TEXTS])
    parser.add_argument("--shares", default="0.5,0.25")
    parser.add_argument("--tiers", default="q4,q3,q2")
    parser.add_argument("--modes", default="all-low,hobbit,resident")
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--importance", help="a file of moiety-bench importance")
    parser.add_argument("--details", action="store_true", help="one line for each text, too")
    options = parser.parse_args()
    experts = expert_bytes(options.program, options.model)
    print("| | in memory | loss | worst | KL | same likeliest | same greedy 64 | low | skipped |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as cache:
        loss = Loss(options, cache)
        rooms = {}
        for tier in options.tiers.split(","):
            # What everything but experts takes follows from what all experts in few bits need.
            kept = "q4" if tier == "none" else tier
            if kept not in rooms:
                least = loss.least(options.texts[0], "resident", kept)
                rooms[kept] = least, low_bytes(loss, options, kept, least, experts)
            least, low = rooms[kept]
            modes = options.modes.split(",")
            for mode in ["hobbit"] if tier == "none" else modes:
                shares = [None] if mode == "all-low" else options.shares.split(",")
                for share in shares:
                    # The least is told in whole MiB, rounded up.
                    memory = least - (1 << 20)
                    if share is not None:
                        memory = least - low + int(float(share) * experts)
                    name = f"{mode} {tier}"
                    runs = []
                    for text in options.texts:
                        kind = "resident" if mode == "all-low" else mode
                        run = loss.repeated(text, kind, tier, memory)
                        if run is None:
                            break
                        runs.append(run)
                        if options.details:
                            stem = pathlib.Path(text).stem
                            print(line(f"{name}, {stem}", share or "", [run]), flush=True)
                    shown = "low tier" if share is None else f"{float(share) * 100:.0f} %"
                    whole = runs if len(runs) == len(options.texts) else []
                    print(line(name, shown, whole), flush=True)


def low_bytes(loss, options, tier, least, experts):
    """Bytes of all experts in few bits: the size of the packed file that holds them."""
    packed = pathlib.Path(loss.cache) / "packed"
    before = set(packed.glob("*")) if packed.exists() else set()
    loss.figures(options.texts[0], "resident", tier, least + (2 << 20))
    made = [entry for entry in packed.glob("*") if entry not in before]
    sizes = [entry.stat().st_size for entry in made if entry.stat().st_size < experts]
    if not sizes:
        sys.exit(f"no packed experts of {tier} were made")
    return max(sizes)


if __name__ == "__main__":
    main()
