#!/usr/bin/env bash
# Runs the simulated cluster: SEEDS=10000 of them, or SEED=17 alone with its story.
#
# A seed that fails prints one line that repeats it. FIRST= begins the seeds elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."

for number in "${SEED:-1}" "${SEEDS:-1}" "${FIRST:-1}"; do
    if ! [[ $number =~ ^[1-9][0-9]{0,17}$ ]]; then
        echo "SEED, SEEDS and FIRST are numbers from 1 on, not '$number'" >&2
        exit 2
    fi
done

arguments=(-c release --disable-xctest --disable-testable-imports)
arguments+=(--filter 'SimulationTests.SimulationTests')

if [[ -n ${SEED:-} ]]; then
    export MOIETY_SIMULATE_SEED=$SEED
else
    export MOIETY_SIMULATE_SEEDS=${SEEDS:-10000} MOIETY_SIMULATE_FIRST=${FIRST:-1}
    # Should the process itself die, the file says which seeds were under way.
    export MOIETY_SIMULATE_PROGRESS=$PWD/.build/simulated-seeds
    mkdir -p .build
    : >"$MOIETY_SIMULATE_PROGRESS"
fi

status=0
swift test "${arguments[@]}" || status=$?
if ((status > 1)) && [[ -s ${MOIETY_SIMULATE_PROGRESS:-/dev/null} ]]; then
    echo "The process died; the last seeds begun are, each to be repeated with make simulate SEED=…"
    tail -n 4 "$MOIETY_SIMULATE_PROGRESS"
fi
exit "$status"
