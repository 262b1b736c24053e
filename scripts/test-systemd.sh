#!/usr/bin/env bash
# Installs the package into a Debian of its own, boots that with a real systemd in a container, and
# sees whether the daemons start, serve, come back, reload, drain and go. As root; needs `make deb`.
#
#   scripts/test-systemd.sh [PACKAGE]
#
# The Debian lies beneath .build/systemd and is made once (debootstrap, 250 MB). The container has
# no network but its own loopback. Ends with `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/.."

place=$PWD/.build/systemd
base=$place/base
tree=$place/tree
model=$PWD/Models/moiety-demo-q8_0.gguf
package=${1:-$(find .build -maxdepth 1 -name 'moiety_*.deb' -printf '%T@ %p\n' | sort -rn |
    sed -n '1s/^[^ ]* //p')}
passed=0
failed=0
leader=
source scripts/systemd/container.sh
source scripts/systemd/checks.sh

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

check() {
    local title=$1
    local status=0
    shift
    # Not as a condition, in which bash would go on after a failure.
    set +e
    (
        set -e
        "$@"
    ) >"$place/check.log" 2>&1
    status=$?
    set -e
    if ((status == 0)); then
        echo "ok      $title"
        passed=$((passed + 1))
    else
        echo "FAILED  $title"
        tail -n 30 "$place/check.log"
        inside journalctl --no-pager -n 30 || true
        failed=$((failed + 1))
    fi
}

((EUID == 0)) || fail "A container takes root."
[[ -f $package ]] || fail "There is no package; run 'make deb' first."
trap stop_container EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
prepare_tree
start_container

check "dpkg -i installs, makes the user, and starts nothing" installs
check "systemctl enable --now starts a coordinator and a worker that answer" serves
check "a worker that is killed is started again" worker_returns
check "a coordinator that is killed is started again" coordinator_returns
check "a daemon that hangs is noticed by the watchdog and started again" watchdog_bites
check "a worker's stop leaves the coordinator's directories alone" directories_stay
check "systemctl reload has settings read anew" reloads
check "a setting that is not usable is not tried again" bad_setting_rests
check "threads are bound to the CPUs that an instance's file names" pins
check "with keys as credentials the cluster serves, and without a key nobody is answered" keys_count
check "moiety doctor has nothing to mend where all is well, and sees where it is not" \
    doctor_is_content
check "an upgrade restarts nothing" upgrade_keeps
check "SIGTERM drains: a job that runs is not lost when a worker stops" drains
check "removal ends the daemons, purging takes their state and leaves keys" goes

echo "$passed passed, $failed failed"
((failed == 0))
