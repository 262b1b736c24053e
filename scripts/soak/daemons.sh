# The cluster of a soak: started, sampled from outside, stopped. Sourced by scripts/soak.sh.
#
# Reads bin, model, out, worker_count. A life is one process; its age counts from when it started.

declare -A pids=()    # of the daemons, by name
declare -A lives=()   # how many processes each daemon was
declare -A births=()  # when the current one started, in SECONDS

is_running() {
    kill -0 "$1" 2>/dev/null
}

# $1 name, the rest its command. Samples see a life from its file `life.NAME`.
start_daemon() {
    local name=$1
    shift
    "$@" >>"$out/$name.log" 2>&1 </dev/null &
    pids[$name]=$!
    lives[$name]=$((${lives[$name]:-0} + 1))
    births[$name]=$SECONDS
    echo "${pids[$name]} ${lives[$name]} $SECONDS" >"$out/life.$name.new"
    mv "$out/life.$name.new" "$out/life.$name"
}

start_worker() {
    start_daemon "$1" "$bin/moiety-worker" --name "$1" --model "$model" --threads 1 \
        --coordinator "$worker_endpoint" --state-directory "$out/$1" --log-level notice
}

wait_for_file() {
    local tick
    for ((tick = 0; tick < 600; tick++)); do
        [[ ! -s $1 ]] || return 0
        sleep 0.1
    done
    fail "$1 did not appear within 60 s"
}

start_cluster() {
    local index
    start_daemon coordinator "$bin/moiety-coordinator" --model "$model" --threads 1 \
        --workers "$worker_count" --state-directory "$out/state" --log-level notice \
        --worker-endpoint tcp://127.0.0.1:0 --client-endpoint tcp://127.0.0.1:0 \
        --http-endpoint none --prefix-cache-memory 4MB \
        --heartbeat-interval 200ms --silence-limit 2s --share-time 20s --worker-wait 60s
    wait_for_file "$out/state/client-endpoint"
    client_endpoint=$(<"$out/state/client-endpoint")
    worker_endpoint=$(<"$out/state/worker-endpoint")
    export MOIETY_COORDINATOR=$client_endpoint
    for ((index = 1; index <= worker_count; index++)); do
        start_worker "worker-$index"
    done
    "$bin/moiety" status --wait >/dev/null || fail "the cluster did not become ready"
}

# A line for each daemon: seconds, phase, name, life, its age, then KiB resident and KiB of private
# dirty memory, threads, descriptors, sockets.
sample_daemons() {
    local file name pid life birth phase memory threads links
    phase=$(<"$out/phase")
    for file in "$out"/life.*; do
        name=${file##*/life.}
        [[ $name != *.new ]] || continue
        read -r pid life birth <"$file"
        memory=$(awk '/^Rss:/ { r = $2 } /^Private_Dirty:/ { d = $2 } END { print r "," d }' \
            "/proc/$pid/smaps_rollup" 2>/dev/null) || continue
        [[ $memory != , ]] || continue
        threads=("/proc/$pid/task"/*)
        links=$(find "/proc/$pid/fd" -type l -printf '%l\n' 2>/dev/null) || continue
        printf '%s,%s,%s,%s,%s,%s,%s,%s,%s\n' "$SECONDS" "$phase" "$name" "$life" \
            "$((SECONDS - birth))" "$memory" "${#threads[@]}" \
            "$(wc -l <<<"$links")" "$(grep -c '^socket:' <<<"$links")" >>"$out/samples.csv"
    done
}

describe_memory() {
    awk -F, '{ last[$3] = $6 } END { for (n in last) printf "%s %.1f MiB  ", n, last[n] / 1024 }' \
        "$out/samples.csv"
}

wait_until_idle() {
    local tick status
    for ((tick = 0; tick < 300; tick++)); do
        status=$("$bin/moiety" status --json) || fail "the coordinator does not answer"
        [[ $status == *'"jobs_queued":0,"jobs_running":0'*'"ready":true'* ]] && return 0
        sleep 0.2
    done
    fail "jobs do not end, or the cluster does not become ready: $status"
}

# Every daemon ends with 0 on SIGTERM.
stop_cluster_gracefully() {
    local name pid status
    for name in "${!pids[@]}"; do
        pid=${pids[$name]}
        unset "pids[$name]"
        kill -TERM "$pid"
        (sleep 20 && kill -KILL "$pid" 2>/dev/null) &
        local guard=$!
        status=0
        wait "$pid" || status=$?
        kill "$guard" 2>/dev/null || true
        ((status == 0)) || fail "$name ended with $status after SIGTERM"
    done
}

# Also what a failure leaves behind: frozen workers, clients, the sampler.
stop_everything() {
    local name
    rm -f "$out/sampling"
    for name in "${!pids[@]}"; do
        kill -KILL "${pids[$name]}" 2>/dev/null || true
    done
    # shellcheck disable=SC2046
    kill $(jobs -p) 2>/dev/null || true
    wait 2>/dev/null || true
}
