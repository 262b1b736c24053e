#!/usr/bin/env bash
# Loads and hurts a real cluster for MINUTES= (20) and compares what its daemons occupy at the end
# with what they occupied after their first minute: what `make soak` does.
#
# A coordinator and WORKERS= (3) workers serve MODEL= on loopback. Every minute is a round: clients
# of all kinds work (scripts/soak/clients.sh), a worker is frozen, every second minute one is killed
# with -9 and started again; then the clients end, the cluster rests, and the figures count that are
# taken at rest. Fails when a daemon holds one thread, descriptor or socket more or less than after
# its own first minute, more memory than scripts/soak/verdict.awk allows, when any answer differs
# from that of a single process, or a job fails for a reason that names no worker.
#
# Figures of every two seconds stay in OUT= (.build/soak): samples.csv, outcomes, logs, memory.svg.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${MINUTES:-20}
model=${MODEL:-Models/moiety-demo-q8_0.gguf}
worker_count=${WORKERS:-3}
out=${OUT:-.build/soak}
bin=$PWD/.build/release

load_time=50      # seconds of a round in which clients come
settle_time=6     # seconds of rest before its figures are taken
sample_pause=2    # seconds between samples
last_kill_age=2   # a life shorter than so many minutes at the end has no first minute to compare

source scripts/soak/daemons.sh
source scripts/soak/clients.sh

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    say "soak: $*"
    exit 1
}

clean_up() {
    local status=$?
    trap '' INT TERM HUP
    stop_everything
    exit "$status"
}

# Samples until the file `sampling` goes.
sample_for_ever() {
    while [[ -e $out/sampling ]]; do
        sample_daemons
        sleep "$sample_pause"
    done
}

# Freezes a worker for less than its silence limit, and for more in every third round.
freeze_a_worker() {
    local round=$1 name pause=0.5
    name=worker-$((round % worker_count + 1))
    ((round % 3)) || pause=4
    sleep 10
    kill -STOP "${pids[$name]}"
    sleep "$pause"
    kill -CONT "${pids[$name]}"
    note "worker frozen for $pause s"
}

kill_a_worker() {
    local name=$1
    kill -KILL "${pids[$name]}"
    wait "${pids[$name]}" 2>/dev/null || true
    note "worker killed"
    sleep 1
    start_worker "$name"
}

# One minute: load, disturbances, rest.
run_round() {
    local round=$1 deadline=$((SECONDS + load_time)) client
    local clients=()
    echo load >"$out/phase"
    for client in answers answers answers cancellations killed_clients questions evaluations \
        visitors; do
        "client_$client" "$deadline" "${#clients[@]}" &
        clients+=($!)
    done
    freeze_a_worker "$round" &
    clients+=($!)
    if ((round % 2 == 0 && round <= minutes - last_kill_age)); then
        sleep 20
        kill_a_worker "worker-$((round / 2 % worker_count + 1))"
    fi
    wait "${clients[@]}" || true
    wait_until_idle
    sleep "$settle_time"
    echo "rest" >"$out/phase"
    sleep $((2 * sample_pause + 1))
}

check_daemons() {
    local name
    for name in "${!pids[@]}"; do
        is_running "${pids[$name]}" || fail "$name has ended: $(tail -n 3 "$out/$name.log")"
    done
}

[[ -f $model ]] || fail "there is no model file $model (set MODEL=)"
[[ $minutes =~ ^[1-9][0-9]*$ ]] || fail "MINUTES is $minutes; it must be a whole number from 1 on"
say "Building (release)"
swift build -c release >&2

rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

say "Computing the expected answers in one process"
expect_answers
say "Starting a coordinator and $worker_count workers with $model"
start_cluster
touch "$out/sampling"
echo load >"$out/phase"
sample_for_ever &
sampler=$!
for ((round = 1; round <= minutes; round++)); do
    run_round "$round"
    check_daemons
    say "minute $round: $(wc -l <"$out/outcomes") events, $(describe_memory)"
done
rm -f "$out/sampling"
wait "$sampler" || true
stop_cluster_gracefully
scripts/soak/verdict.sh "$out"
