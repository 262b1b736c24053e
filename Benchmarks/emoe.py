#!/usr/bin/env python3
"""What `--lossy emoe` costs and saves: answers of the experts that are in memory alone.

    Benchmarks/emoe.py -m Models/moiety-demo-q8_0.gguf [--texts FILE ...] [--percents 20,40,60,80]

Each text is a task. What its first half uses is counted (`moiety-bench profile`); its second half is
judged (`moiety perplexity --lossy emoe`) with experts chosen by the task's uses, by those of all
tasks, and by its first window alone, which loads what it asks for. One line for each part of the
experts in memory: medians over the texts of the loss in perplexity, means of the rest, and what a
process that answers has in memory at most, beside one with all experts.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

from loss import ROOT, TEXTS

CHOICES = ["task", "all tasks", "first prompt"]


class Emoe:
    def __init__(self, options, scratch):
        self.options = options
        self.scratch = pathlib.Path(scratch)
        shown = self.call(options.program, "model", "show", options.model, "--json")
        experts = json.loads(shown.stdout)["experts"]
        self.expert_bytes = experts["bytes"]
        layers = json.loads(shown.stdout)["layers_with_experts"]
        self.expert_count = experts["count"] * layers
        self.least_count = experts["per_token"] * layers
        self.slot = self.expert_bytes // self.expert_count
        # What each command takes besides experts, once it is known.
        self.fixed = {}

    def call(self, *command):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{result.stderr}")
        return result

    def split(self, text):
        """The halves of a text, the second one no longer than is judged."""
        content = pathlib.Path(text).read_text(encoding="utf-8")
        middle = content.index("\n", len(content) // 2) + 1
        name = pathlib.Path(text).name
        halves = []
        for part, words in [
            ("seen", content[:middle]),
            ("judged", content[middle : middle + self.options.length]),
        ]:
            path = self.scratch / part / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(words, encoding="utf-8")
            halves.append(str(path))
        return halves

    def count(self, texts):
        directory = self.scratch / "profiles"
        directory.mkdir(exist_ok=True)
        named = [argument for text in texts for argument in ("--text", text)]
        self.call(
            self.options.bench, "profile", "-m", self.options.model, *named,
            "--windows", "10000", "--directory", str(directory),
        )  # fmt: skip
        return [str(directory / (pathlib.Path(text).stem + ".json")) for text in texts]

    def limited(self, command, experts):
        """What a command prints that has memory for so many experts, or one more or less."""
        cache = ["--cache-directory", str(self.scratch / "cache"), "--lossy", "emoe"]
        kind = command[1]
        if kind not in self.fixed:
            tried = subprocess.run(
                [*command, *cache, "--memory", "1MiB"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            found = re.search(r"need (\d+)MiB", tried.stderr)
            if not found:
                sys.exit(tried.stderr)
            self.fixed[kind] = (int(found.group(1)) << 20) - self.least_count * self.slot
        figures = {}
        # What a process takes besides differs a little from run to run.
        for _ in range(4):
            memory = self.fixed[kind] + experts * self.slot + self.slot // 2
            result = self.call(*command, *cache, "--memory", str(memory), "--json")
            figures = json.loads(result.stdout)
            missing = experts - figures["present_experts"]
            if abs(missing) <= 1:
                break
            self.fixed[kind] += missing * self.slot
        return figures

    def perplexity(self, text, profiles, experts):
        return self.limited(
            [
                self.options.program, "perplexity", "-m", self.options.model, "-f", text,
                "-c", str(self.options.context), *profiles,
            ],
            experts,
        )  # fmt: skip

    def answer(self, profiles):
        return [
            self.options.program, "run", "-m", self.options.model, "-p", "The", "-n", "64",
            "--temp", "0", *profiles,
        ]  # fmt: skip

    def peak(self, profiles, experts):
        return self.limited(self.answer(profiles), experts)["peak_memory_bytes"]

    def whole_peak(self):
        result = self.call(*self.answer([]), "--memory", "64GiB", "--json")
        return json.loads(result.stdout)["peak_memory_bytes"]


def mega(count):
    return f"{count / 1e6:.1f} MB"


def line(choice, percent, runs, peak):
    losses = [run["perplexity_loss"] * 100 for run in runs]

    def mean(key):
        return statistics.mean(run[key] for run in runs)

    return (
        f"| {percent} % | {choice} | {mega(mean('present_bytes'))} | {mega(peak)} "
        f"| {statistics.median(losses):.1f} % | {max(losses):.1f} % "
        f"| {mean('kl_divergence'):.3f} | {mean('same_likeliest') * 100:.0f} % "
        f"| {mean('greedy_agreement_64') * 100:.0f} % | {mean('substituted_share') * 100:.1f} % |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--program", default=str(ROOT / ".build/release/moiety"))
    parser.add_argument("--bench", default=str(ROOT / ".build/release/moiety-bench"))
    parser.add_argument("--texts", nargs="+", default=[str(text) for text in TEXTS])
    parser.add_argument("--percents", default="20,40,60,80")
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--length", type=int, default=6000, help="bytes of each text to judge")
    parser.add_argument("--details", action="store_true", help="one line for each text, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        emoe = Emoe(options, scratch)
        halves = [emoe.split(text) for text in options.texts]
        profiles = emoe.count([seen for seen, _ in halves])
        every = [argument for profile in profiles for argument in ("--profile", profile)]
        print(f"all {emoe.expert_count} experts: {mega(emoe.expert_bytes)}, ", end="")
        print(f"the process {mega(emoe.whole_peak())} at most\n")
        print("| experts | chosen by | their bytes | process | loss | worst | KL "
              "| same likeliest | same greedy 64 | went to others |")  # fmt: skip
        print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
        for percent in options.percents.split(","):
            wanted = round(float(percent) / 100 * emoe.expert_count)
            for choice in CHOICES:
                runs = []
                for (_, judged), profile in zip(halves, profiles):
                    known = {"task": ["--profile", profile], "all tasks": every}.get(choice, [])
                    runs.append(emoe.perplexity(judged, known, wanted))
                    if options.details:
                        name = f"{choice}, {pathlib.Path(judged).stem}"
                        print(line(name, percent, runs[-1:], 0), flush=True)
                peak = emoe.peak(every if choice != "first prompt" else [], wanted)
                print(line(choice, percent, runs, peak), flush=True)


if __name__ == "__main__":
    main()
