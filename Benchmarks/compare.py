#!/usr/bin/env python3
"""Compares Moiety with llama.cpp on this machine, side by side: what `make bench` runs.

Ours and theirs are measured in turn, A B A B, each in a process of its own. The ratio is made pair
by pair and its median counts, so that what slows the machine for a while slows both. Where the
tools of llama.cpp are absent (Benchmarks/peers builds them), ours are measured alone.
"""

import argparse
import json
import os
import re
import statistics
import sys

import cases
import programs


FIGURES = ("decode", "prefill", "bandwidth_share", "seconds", "perplexity")


def main():
    options = parsed_options()
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    ours = programs.Ours(options.moiety)
    peer = found_peer(options.peer)
    models = {kind: "" for kind in cases.TYPES}
    chosen = [c for c in cases.cases(ours, peer, models) if re.search(options.rows, c.name)]
    if options.list:
        for case in chosen:
            print(f"{case.name:14} {case.title}, beside {case.other}")
        return 0
    if not chosen:
        sys.exit(f"no row matches {options.rows}; --list shows them")
    wanted = {kind for kind in cases.TYPES for c in chosen if kind in c.title}
    say("making the standard files that are missing")
    models = cases.prepared_models(ours, options.models, wanted)
    names = {case.name for case in chosen}
    results = []
    for case in cases.cases(ours, peer, models):
        if case.name in names:
            pairs = min(options.pairs, 2) if case.is_slow else options.pairs
            results.append(measured(case, pairs))
            # After every row: whoever has no patience keeps what was measured.
            write(options.output, results)
    print(table(results), end="")
    say(f"written to {options.output}/results.md and results.json")
    return 0


def parsed_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default="", help="regular expression: which rows (--list)")
    parser.add_argument("--pairs", type=int, default=5, help="measurements of each side")
    parser.add_argument("--list", action="store_true", help="list the rows and end")
    parser.add_argument("--moiety", default=".build/release", help="where our programs are")
    parser.add_argument("--peer", default="", help="where llama.cpp's tools are")
    parser.add_argument("--models", default=".build/bench", help="where the standard files are")
    parser.add_argument("--output", default=".build/bench", help="where the tables go")
    options = parser.parse_args()
    if options.pairs < 1:
        parser.error("--pairs must be 1 or more")
    return options


def found_peer(directory):
    if directory and os.access(os.path.join(directory, "llama-bench"), os.X_OK):
        return programs.Peer(directory)
    say("llama.cpp is absent (Benchmarks/peers/prepare.sh builds it): ours are measured alone")
    return None


def measured(case, pairs):
    """All pairs of a case; a side that fails is reported and left out."""
    sides = {"ours": [], "theirs": []}
    failure = None
    try:
        for pair in range(pairs):
            say(f"{case.name}: pair {pair + 1} of {pairs}")
            sides["ours"].append(case.ours())
            if case.theirs:
                sides["theirs"].append(case.theirs())
    except programs.Failure as error:
        failure = str(error)
        say(f"{case.name}: {failure}")
    return {
        "name": case.name, "title": case.title, "other": case.other, "targets": case.targets,
        "bounds": case.bounds, "failure": failure, **sides,
    }


def values(measurements, figure):
    return [m[figure] for m in measurements if m.get(figure) is not None]


def ratios(result, figure):
    """Ours by theirs, pair by pair."""
    pairs = zip(result["ours"], result["theirs"])
    return [
        a[figure] / b[figure] for a, b in pairs
        if a.get(figure) is not None and b.get(figure)
    ]


def lines(result):
    """The lines of the table for one case: one for each figure that was measured."""
    for figure in FIGURES:
        own = values(result["ours"], figure)
        if not own:
            continue
        their = values(result["theirs"], figure)
        both = ratios(result, figure)
        target = result["targets"].get(figure)
        bound = result["bounds"].get(figure)
        aim, met = judged(figure, own, both, target, bound)
        yield [
            result["title"], label(figure), shown(own, figure),
            shown(their, figure) if their else "", result["other"] if their else "",
            spread(both, figure) if both else "",
            aim, "" if met is None else "yes" if met else "no",
        ]


def judged(figure, own, both, target, bound):
    """The aim in words, and whether it is met; None where that cannot be told."""
    middle = statistics.median(own)
    ratio = statistics.median(both) if both else None
    if target is not None:
        return f"≥ {target:g}x", None if ratio is None else ratio >= target
    if bound is None:
        return "", None
    if figure == "perplexity":
        return f"within {bound:.1%}", None if ratio is None else abs(ratio - 1) <= bound
    if figure == "seconds":
        return f"≤ {bound:g} s", middle <= bound
    return f"≥ {bound:.0%}", middle >= bound


def spread(both, figure):
    digits = 4 if figure == "perplexity" else 2
    middle, least, most = statistics.median(both), min(both), max(both)
    return f"{middle:.{digits}f}x ({least:.{digits}f} to {most:.{digits}f})"


def label(figure):
    return {"bandwidth_share": "share of bandwidth", "seconds": "time"}.get(figure, figure)


def shown(numbers, figure):
    middle = statistics.median(numbers)
    if figure == "bandwidth_share":
        return f"{middle:.0%}"
    units = {"seconds": f"{middle:.3f} s", "perplexity": f"{middle:.4f}"}
    return units.get(figure, f"{middle:.1f} tok/s")


def table(results):
    head = ["what", "figure", "ours", "other side", "which", "ratio (range)", "aim", "met"]
    rows = [head, ["---"] * len(head)] + [line for r in results for line in lines(r)]
    text = "".join("| " + " | ".join(row) + " |\n" for row in rows)
    for result in results:
        if result["failure"]:
            text += f"\n{result['name']} is incomplete: {result['failure']}\n"
    return text


def write(directory, results):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "results.json"), "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
    with open(os.path.join(directory, "results.md"), "w", encoding="utf-8") as file:
        file.write(table(results))


def say(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
