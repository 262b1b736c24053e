#!/usr/bin/env bash
# What a soak found: a table of what each daemon held at rest after its first minute and at the
# end, the events, and the verdict as exit status; memory.svg shows all samples.
#
#   scripts/soak/verdict.sh DIRECTORY
set -euo pipefail
here=$(dirname "$0")
out=$1

awk -F, -f "$here/plot.awk" "$out/samples.csv" >"$out/memory.svg"
awk -F, -f "$here/verdict.awk" "$out/samples.csv" && status=0 || status=$?

echo
echo "Events:"
sed -E 's/ (WRONG|FAILED): .*/ \1/' "$out/outcomes" | sort | uniq -c
if grep -qE 'WRONG|FAILED|NOT ANSWERED' "$out/outcomes"; then
    echo "These should not have happened:"
    grep -E 'WRONG|FAILED|NOT ANSWERED' "$out/outcomes" | cut -c1-400 | sort | uniq -c | head -n 20
    status=1
fi
if ((status == 0)); then echo "soak: passed"; else echo "soak: FAILED"; fi
exit "$status"
