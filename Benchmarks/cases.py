"""What is compared: each case is one measurement of ours beside one of the other side's."""

import os
from dataclasses import dataclass, field
from typing import Callable, Optional

DEMO = "Models/moiety-demo-q8_0.gguf"
# What the demo model was trained to write: manual pages.
TEXT = "Tests/Fixtures/demo/val/manual.txt"
TYPES = ("Q4_0", "Q8_0", "Q4_K")
# Least ratio of decode rates, ours by theirs.
DECODE_TARGETS = {"Q4_0": 1.25, "Q8_0": 1.2, "Q4_K": 1.25}
LONG_CONTEXT = 16384


@dataclass
class Case:
    """Two measurements side by side, and the ratios that are aimed at."""

    name: str
    title: str
    ours: Callable[[], dict]
    theirs: Optional[Callable[[], dict]] = None
    # The other side, for the table.
    other: str = "llama.cpp"
    # Least ratio by figure.
    targets: dict = field(default_factory=dict)
    # By figure: the least value of ours, the most for seconds, for perplexity the largest
    # difference from the other side's, as a share.
    bounds: dict = field(default_factory=dict)
    # So slow that two pairs must do.
    is_slow: bool = False


def cases(ours, peer, models):
    """All cases; `peer` is None where there are no tools of llama.cpp."""
    found = []
    for element_type in TYPES:
        for threads in (1, 2):
            found.append(single(ours, peer, models, element_type, threads))
    for size in (8, 16):
        found.append(batch(ours, peer, models["Q4_0"], size))
    found.append(long_context(ours, peer, models["Q4_0"]))
    found += clusters(ours, peer, models["Q4_0"])
    found.append(
        Case(
            "first-token", "demo model, start to first token",
            lambda: ours.first_token(DEMO), bounds={"seconds": 0.15},
        )
    )
    found.append(
        Case(
            "perplexity", "demo model, Q8_0", lambda: ours.perplexity(DEMO, TEXT),
            peer and (lambda: peer.perplexity(DEMO, TEXT)), bounds={"perplexity": 0.003},
        )
    )
    return found


def single(ours, peer, models, element_type, threads):
    path = models[element_type]
    return Case(
        f"{element_type.lower()}-t{threads}",
        f"{element_type}, {threads} thread{'s' if threads > 1 else ''}",
        lambda: ours.model(path, threads),
        peer and (lambda: peer.model(path, threads)),
        targets={"decode": DECODE_TARGETS[element_type], "prefill": 2.0},
        bounds={"bandwidth_share": 0.9},
    )


def batch(ours, peer, path, size):
    prompt, new = 128, 32
    return Case(
        f"batch-{size}",
        f"Q4_0, 2 threads, {size} sequences",
        lambda: ours.model(path, 2, prompt, new, batch=size, depth=prompt),
        peer and (lambda: peer.batch(path, 2, size, prompt, new)),
        targets={"decode": 2.0, "prefill": 2.0} if size == 8 else {"prefill": 2.0},
        # Of reading each distinct expert once.
        bounds={"bandwidth_share": 0.85},
    )


def long_context(ours, peer, path):
    more = ("-fa", "1")
    return Case(
        "context-16k",
        f"Q4_0, 2 threads, at {LONG_CONTEXT} tokens",
        lambda: ours.model(path, 2, 0, 32, depth=LONG_CONTEXT, repetitions=3),
        peer and (
            lambda: peer.model(path, 2, 0, 32, depth=LONG_CONTEXT, repetitions=3, more=more)
        ),
        targets={"decode": 1.15},
        is_slow=True,
    )


def clusters(ours, peer, path):
    return [
        Case(
            "cluster", "Q4_0, two workers of one core", lambda: ours.cluster(path),
            lambda: ours.model(path, 2), other="our one process",
            targets={"decode": 0.9, "prefill": 0.95},
        ),
        Case(
            "cluster-rpc", "Q4_0, two workers of one core", lambda: ours.cluster(path),
            peer and (lambda: peer.cluster(path)), other="llama.cpp RPC",
            targets={"decode": 2.5, "prefill": 2.5},
        ),
    ]


def prepared_models(ours, directory, wanted):
    """The standard files, made where they are missing."""
    os.makedirs(directory, exist_ok=True)
    paths = {}
    for element_type in TYPES:
        paths[element_type] = os.path.join(directory, f"standard-{element_type.lower()}.gguf")
        if element_type in wanted and not os.path.exists(paths[element_type]):
            ours.make_model(paths[element_type], element_type)
    return paths
