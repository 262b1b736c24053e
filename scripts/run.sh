#!/usr/bin/env bash
# A whole cluster on this machine, one prompt, one answer: what `make run` shows.
#
# PROMPT=, MODEL=, WORKERS= and TOKENS= override what is asked, of which model, how many workers
# compute and how long the answer may get. The answer goes to stdout, all else to stderr. Whatever
# happens, nothing keeps running: the cluster has a process group of its own, ended on the way out.
set -euo pipefail
cd "$(dirname "$0")/.."

# The demo model has read manual pages; this is how one begins.
prompt=${PROMPT:-$'sleep(3) Library Functions Manual sleep(3)\n\nNAME\n sleep - suspend'}
model=${MODEL:-Models/moiety-demo-q8_0.gguf}
workers=${WORKERS:-2}
tokens=${TOKENS:-128}

start_limit=120 # seconds until the coordinator listens; loading is waited for by `status --wait`
stop_limit=10   # seconds between asking the cluster to stop and ending it

moiety=.build/release/moiety
state=
serve=
client=

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "$@"
    if [[ -s $state/serve.log ]]; then
        say "The cluster's last words:"
        tail -n 20 "$state/serve.log" >&2
    fi
    exit 1
}

is_running() {
    kill -0 "$1" 2>/dev/null
}

stop_cluster() {
    local tick
    kill -TERM "$serve" 2>/dev/null || true
    for ((tick = 0; tick < stop_limit * 10; tick++)); do
        is_running "$serve" || break
        sleep 0.1
    done
    # Also reaches what a dead leader may have left in its group.
    kill -KILL -- "-$serve" 2>/dev/null || true
    wait "$serve" 2>/dev/null || true
}

clean_up() {
    local status=$?
    trap '' INT TERM HUP
    if [[ -n $client ]] && is_running "$client"; then
        kill -TERM "$client" 2>/dev/null || true
        wait "$client" 2>/dev/null || true
    fi
    [[ -z $serve ]] || stop_cluster
    [[ -z $state ]] || rm -rf "$state"
    exit "$status"
}

start_cluster() {
    state=$(mktemp -d "${TMPDIR:-/tmp}/moiety-run.XXXXXX")
    # Job control gives the cluster its own process group, so Ctrl-C reaches only this script.
    set -m
    "$moiety" serve -m "$model" --workers "$workers" --state "$state" \
        --worker-endpoint tcp://127.0.0.1:0 --client-endpoint tcp://127.0.0.1:0 \
        --port 0 >"$state/serve.log" 2>&1 </dev/null &
    serve=$!
    set +m

    local tick
    for ((tick = 0; tick < start_limit * 10; tick++)); do
        [[ ! -s $state/client-endpoint ]] || return 0
        is_running "$serve" || fail "The cluster did not start."
        sleep 0.1
    done
    fail "The coordinator did not listen within $start_limit s."
}

# Runs a client in the background and waits for it, because bash handles signals only between
# foreground commands; fails when the cluster ends first. Takes the client's exit code.
ask() {
    "$moiety" "$@" </dev/null &
    client=$!
    local ended status=0
    wait -n -p ended "$client" "$serve" || status=$?
    if [[ $ended == "$serve" ]]; then
        fail "The cluster ended early."
    fi
    client=
    return "$status"
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

[[ -f $model ]] || fail "There is no model file $model (set MODEL=)."
say "Building (release)"
swift build -c release >&2

say "Starting a coordinator and $workers workers with $model"
start_cluster
endpoint=$(<"$state/client-endpoint")
ask status --coordinator "$endpoint" --wait >&2 || fail "The cluster did not become ready."
# The same answer every time, whatever the number of workers.
say "Prompt: $prompt"
ask submit --follow --coordinator "$endpoint" -p "$prompt" -n "$tokens" --temp 0.5 --seed 1
