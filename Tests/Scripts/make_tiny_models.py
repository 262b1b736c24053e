#!/usr/bin/env python3
"""Makes the tiny random models of Tests/InferenceTests/Fixtures and their reference logits.

Each case is a seeded random model of one architecture, built with `transformers`, written as a
GGUF file with the names and conventions of llama.cpp's converter, and run in float32. The README
beside this script says how to run it and what the JSON files mean.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from tiny_models.case import Case
from tiny_models.cases import CASES
from tiny_models.file import build
from tiny_models.reference import reference

FIXTURES = Path(__file__).resolve().parents[1] / "InferenceTests" / "Fixtures"


def make(case: Case, folder: Path) -> None:
    path = folder / f"{case.name}.gguf"
    sequences, error = reference(case, build(case, path))
    golden = {
        "file": path.name,
        "architecture": case.architecture,
        "exact": case.is_exact,
        "rounding_error": float(f"{error:.2g}"),
        "cases": sequences,
    }
    with open(path.with_suffix(".json"), "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")
    spread = np.std([value for sequence in sequences for value in sequence["last_logits"]])
    print(
        f"{case.name:20} {path.stat().st_size:7} bytes, logits' deviation {spread:.2f},"
        f" rounding error {error:.2g}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help="names of cases (default: all)")
    parser.add_argument("--folder", type=Path, default=FIXTURES)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with torch.no_grad():
        for case in CASES:
            if not arguments.cases or case.name in arguments.cases:
                make(case, arguments.folder)


if __name__ == "__main__":
    main()
