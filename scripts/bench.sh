#!/usr/bin/env bash
# Compares Moiety with llama.cpp on this machine: what `make bench` runs.
#
# ROWS= takes a regular expression (Benchmarks/compare.py --list shows the rows), PAIRS= how often
# each side is measured, PEER= a directory with llama.cpp's tools; PEER=none leaves them out.
# Nothing else should run meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${PEER:-} ]]; then
    # Without a compiler or the network ours are still measured.
    PEER=$(Benchmarks/peers/prepare.sh) || PEER=none
fi
swift build -c release >&2
exec Benchmarks/compare.py --peer "$PEER" --rows "${ROWS:-}" --pairs "${PAIRS:-5}"
