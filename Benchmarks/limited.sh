#!/usr/bin/env bash
# Runs a command that may have so many bytes of memory, its files in the system's memory included.
#
#   Benchmarks/limited.sh 1444014176 moiety-bench model --memory 1444014176 -m FILE
#
# Needs root: it makes a memory cgroup, of version 2 or 1, and removes it. READ_AHEAD_KB= sets how
# much the disk below the current directory reads ahead meanwhile, READ_LIMIT= how many bytes it gives
# the command per second. Files that are in memory already would be nobody's bytes, so they are dropped
# first.
set -euo pipefail

limit=$1
shift
name=moiety-limited-$$

if [[ -f /sys/fs/cgroup/cgroup.controllers ]]; then
    group=/sys/fs/cgroup/$name
    mkdir "$group"
    echo "$limit" >"$group/memory.max"
    echo 0 >"$group/memory.swap.max" 2>/dev/null || true
else
    group=/sys/fs/cgroup/memory/$name
    mkdir "$group"
    echo "$limit" >"$group/memory.limit_in_bytes"
fi

groups=("$group")
disk=$(stat -c '%Hd:%Ld' .)
read_ahead=/sys/dev/block/$disk/bdi/read_ahead_kb
before=$(cat "$read_ahead" 2>/dev/null || true)

restore() {
    [[ -z $before ]] || echo "$before" >"$read_ahead" 2>/dev/null || true
    rmdir "${groups[@]}"
}
trap restore EXIT

if [[ -n ${READ_LIMIT:-} ]]; then
    if [[ -e $group/io.max ]]; then
        echo "$disk rbps=$READ_LIMIT" >"$group/io.max"
    else
        groups+=("/sys/fs/cgroup/blkio/$name")
        mkdir "${groups[1]}"
        echo "$disk $READ_LIMIT" >"${groups[1]}/blkio.throttle.read_bps_device"
    fi
fi

[[ -z ${READ_AHEAD_KB:-} ]] || echo "$READ_AHEAD_KB" >"$read_ahead"
sync
echo 3 >/proc/sys/vm/drop_caches
(
    for group in "${groups[@]}"; do echo "$BASHPID" >"$group/cgroup.procs"; done
    exec "$@"
)
