#!/usr/bin/env python3
"""Writes the profile of a model that is far larger than this machine could run, for its solvers.

Experts are chosen by a power law that differs from layer to layer, and every second choice follows
the one before it: each expert has a favourite in the next layer.

    Benchmarks/large_profile.py LAYERS EXPERTS FILE [--top-k 8] [--rows 2000] [--seed 1]
    moiety solve --profile FILE --workers 8 --solver moetuner --time-limit 60 --json
"""

import argparse
import collections
import itertools
import json
import random

# Of the power law, as MoETuner's and MoEShard's papers have it for what hot experts get.
EXPONENT = 0.6
# How often a choice is its predecessor's favourite.
FOLLOWING = 0.5


def route(chance, layers, experts, top_k, rows):
    """The experts of each row in each layer: `[layer][row]`."""
    routing, before = [], None
    for _ in range(layers):
        weights = [1 / (rank + 1) ** EXPONENT for rank in range(experts)]
        chance.shuffle(weights)
        bounds = list(itertools.accumulate(weights))
        favourites = chance.sample(range(experts), experts)
        picks = []
        for row in range(rows):
            chosen = set()
            if before:
                chosen = {favourites[e] for e in before[row] if chance.random() < FOLLOWING}
            while len(chosen) < top_k:
                chosen.update(chance.choices(range(experts), cum_weights=bounds))
            picks.append(sorted(chosen))
        routing.append(picks)
        before = picks
    return routing


def counted(pairs):
    return [[first, second, count] for (first, second), count in sorted(pairs.items())]


def layer(here, following, experts):
    activations, together, onwards = [0] * experts, collections.Counter(), collections.Counter()
    for row, chosen in enumerate(here):
        for expert in chosen:
            activations[expert] += 1
        together.update(itertools.combinations(chosen, 2))
        if following:
            onwards.update(itertools.product(chosen, following[row]))
    return {
        "activations": activations, "coactivations": counted(together),
        "transitions": counted(onwards),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("layers", type=int)
    parser.add_argument("experts", type=int)
    parser.add_argument("file")
    parser.add_argument("--top-k", type=int, default=8)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    routing = route(random.Random(options.seed), options.layers, options.experts, options.top_k,
                    options.rows)
    followers = [*routing[1:], None]
    profile = {
        "format": "moiety.profile.v1", "task": None, "rows": options.rows, "top_k": options.top_k,
        "layers": [layer(here, there, options.experts) for here, there in zip(routing, followers)],
    }
    with open(options.file, "w", encoding="utf-8") as file:
        json.dump(profile, file)


if __name__ == "__main__":
    main()
