#!/usr/bin/env bash
# Builds everything with a sanitizer and runs the tests under it: what `make tsan` and `make asan`
# do. Fails when a test fails or the sanitizer has anything to report.
#
#   scripts/sanitize.sh thread     races, in Swift and in C
#   scripts/sanitize.sh address    memory errors and leaks, in Swift and in C, and C's undefined
#                                  behaviour
#
# Each has a build directory of its own, so those of `make run` and `make test` stay as they are.
# FILTER=regex runs only the tests whose names match. What the libraries that we do not build do
# wrong in a sanitizer's eyes is listed, with the reasons, in scripts/sanitizers.
#
# Left out: EndToEndTests, which start the daemons as processes and give them limits of time that a
# build ten times slower cannot keep (CoordinatorTests and WorkerTests run the same code inside one
# process); SolverProcessTests, whose process is limited in memory that a sanitizer's runtime needs for
# itself; HouseTests, which read sources and run nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

left_out='^(EndToEndTests|HouseTests)\.|SolverProcessTests'

usage() {
    echo "usage: scripts/sanitize.sh thread|address" >&2
    exit 64
}

kind=${1-}
case $kind in
thread) scratch=.build/tsan ;;
address) scratch=.build/asan ;;
*) usage ;;
esac

reports=$PWD/$scratch/reports
log=$PWD/$scratch/tests.log
mkdir -p "$scratch"
rm -rf "$reports" "$log"
mkdir -p "$reports"

arguments=(-c release "--sanitize=$kind" --scratch-path "$scratch")
arguments+=(--disable-xctest --disable-testable-imports)

# Every process of a test run, also those of tests of preconditions, reports to a file of its own.
common="log_path=$reports/$kind exitcode=66"
case $kind in
thread)
    export TSAN_OPTIONS="$common suppressions=$PWD/scripts/sanitizers/tsan.supp"
    TSAN_OPTIONS+=" second_deadlock_stack=1 history_size=4"
    clang -shared -fPIC -O1 -Wall -Werror -o "$scratch/mutex.so" scripts/sanitizers/mutex.c
    export LD_PRELOAD=$PWD/$scratch/mutex.so
    ;;
address)
    # In one build: the runtime of the address sanitizer holds that of the other.
    arguments+=(-Xcc -fsanitize=undefined -Xcc -fno-sanitize=function)
    export ASAN_OPTIONS="$common detect_leaks=1 detect_stack_use_after_return=1"
    ASAN_OPTIONS+=" strict_string_checks=1 check_initialization_order=1"
    export LSAN_OPTIONS="suppressions=$PWD/scripts/sanitizers/lsan.supp print_suppressions=0"
    export UBSAN_OPTIONS="print_stacktrace=1"
    ;;
esac
# A simulated cluster is one thread and ten times slower here: a few seeds in place of 50.
export MOIETY_SIMULATE_SEEDS=${MOIETY_SIMULATE_SEEDS:-5}
# The runtime's own handler would print a crash twice and take a minute for it.
export SWIFT_BACKTRACE=enable=no

selection=(--skip "$left_out")
[[ -z ${FILTER:-} ]] || selection+=(--filter "$FILTER")

status=0
swift test "${arguments[@]}" "${selection[@]}" 2>&1 | tee "$log" || status=$?

found=$(cat "$reports"/* "$log" 2>/dev/null |
    grep -cE '^(SUMMARY|.*: runtime error:|WARNING: .*Sanitizer)' || true)
# Tests write while others do, so not every line begins with its mark; the sum is always there.
total=$(sed -n 's/.*Test run with \([0-9]*\) tests\{0,1\} .*/\1/p' "$log" | tail -n 1)
failed=$(grep -E '✘ Test .* failed after' "$log" | grep -cv '✘ Test run with ' || true)
passed=$((${total:-0} - failed))
if ((found > 0)); then
    head -q -n 200 "$reports"/* 2>/dev/null || true
    echo "All reports: $reports" >&2
fi
echo "$kind sanitizer: $passed tests passed, $failed failed, $found reports"
((status == 0 && failed == 0 && found == 0 && passed > 0))
