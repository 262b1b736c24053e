#!/usr/bin/env bash
# Builds and runs the tests, with their output as it comes, and ends with `N passed, N failed`.
#
# FILTER=regex runs only the tests whose names match. Test functions count once, however many
# arguments they run with; one that began and never ended, because the process died, has failed.
# What failed is named once more at the end, and in .build/test-failures.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p .build
events=.build/test-events.jsonl
summary=.build/test-summary
failures=.build/test-failures
rm -f "$events" "$summary" "$failures"

# Without testable imports the tests use the very build that `make run` uses.
arguments=(-c release --disable-xctest --disable-testable-imports)
arguments+=(--experimental-event-stream-output "$PWD/$events")
arguments+=(--experimental-event-stream-version 0)
if [[ -n ${FILTER:-} ]]; then
    arguments+=(--filter "$FILTER")
fi

status=0
swift test "${arguments[@]}" || status=$?

# Suites have events too; the identifier of a function ends in its place in a file.
function_events() {
    [[ -f $events ]] || return 0
    grep -E "\"kind\":\"$1\"" "$events" | grep -E '"testID":"[^"]+\.swift:[0-9]+:[0-9]+"' || true
}

passed_events() {
    function_events testEnded | grep -E '"messages":\[\{"symbol":"pass' || true
}

# Each function that did not pass, and what was expected of it, cut to a readable length.
name_failures() {
    local unescaped='s/\\(.)/\1/g'
    local id='s/.*"testID":"([^"]+)".*/\1/;'$unescaped
    local issue='s/.*"line":([0-9]+).*"messages":\[\{[^{}]*"text":"(([^"\\]|\\.)*)".*'
    issue+='"testID":"([^"]+)".*/  \4, line \1: \2/'
    comm -23 <(function_events testStarted | sed -E "$id" | sort) \
        <(passed_events | sed -E "$id" | sort) | sed 's/^/FAILED  /'
    function_events issueRecorded | sed -E "$issue;$unescaped" | cut -c 1-600
}

started=$(function_events testStarted | wc -l)
passed=$(passed_events | wc -l)
failed=$((started - passed))
if ((failed == 0 && (status != 0 || started == 0))); then
    # Nothing was built, nothing ran, or the process failed outside a test.
    failed=1
fi

name_failures | tee "$failures"
echo "$passed passed, $failed failed" | tee "$summary"
((failed == 0))
