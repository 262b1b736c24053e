#!/usr/bin/env bash
# Read by scripts/test-systemd.sh: what is looked at, one function each. They build on each other.
# shellcheck disable=SC2154 # place is that script's

units=(moiety-coordinator moiety-worker@alpha)

property() {
    inside systemctl show --value --property "$1" "$2"
}

is_ready() {
    inside moiety status --wait 30 "$@"
}

installs() {
    inside dpkg -i /root/moiety.deb
    inside id moiety
    inside moiety --version
    [[ $(property ActiveState moiety-coordinator) == inactive ]]
    # Nothing of this machine's Swift is asked for.
    local lost
    lost=$(inside sh -c 'ldd /usr/bin/moiety* /usr/lib/moiety/*.so | grep -E "not found|/opt/"' ||
        true)
    [[ -z $lost ]] || { echo "$lost" && return 1; }
}

serves() {
    inside sed -i 's|# model: /srv/models/model.gguf|model: /srv/models/model.gguf|' \
        /etc/moiety/coordinator.yaml
    inside systemctl enable --now "${units[@]}"
    is_ready
    eventually sh -c 'systemctl show -p StatusText moiety-coordinator | grep -q =ready'
    eventually sh -c 'systemctl show -p StatusText moiety-worker@alpha | grep -q =serving'
    [[ -n $(inside moiety submit --follow -p 'int main(' -n 8 --seed 1) ]]
    inside curl -fsS http://127.0.0.1:6643/readyz
}

returns() {
    local before
    before=$(property NRestarts "$1")
    inside systemctl kill --signal "$2" "$1"
    eventually sh -c "test \$(systemctl show --value -p NRestarts $1) -gt $before"
    eventually systemctl is-active --quiet "$1"
    is_ready
}

worker_returns() { returns moiety-worker@alpha KILL; }

coordinator_returns() { returns moiety-coordinator KILL; }

# With less patience than the unit has, so that the test need not have it.
watchdog_bites() {
    local unit
    for unit in "${units[@]}"; do
        inside mkdir -p "/run/systemd/system/$unit.service.d"
        inside sh -c "printf '[Service]\nWatchdogSec=2s\n' \
            >/run/systemd/system/$unit.service.d/watchdog.conf"
    done
    inside systemctl daemon-reload
    inside systemctl restart "${units[@]}"
    is_ready
    for unit in "${units[@]}"; do returns "$unit" STOP; done
    inside sh -c 'rm -r /run/systemd/system/moiety-*.service.d'
    inside systemctl daemon-reload
    inside systemctl restart "${units[@]}"
    is_ready
}

directories_stay() {
    inside systemctl stop moiety-worker@alpha
    [[ $(property Result moiety-worker@alpha) == success ]]
    inside test -d /run/moiety
    inside systemctl start moiety-worker@alpha
    is_ready
}

reloads() {
    inside sed -i 's/log-level: info/log-level: debug/' /etc/moiety/worker.yaml
    inside systemctl reload moiety-worker@alpha
    eventually sh -c 'journalctl -u moiety-worker@alpha | grep -q "log-level (info to debug)"'
    [[ $(property ActiveState moiety-worker@alpha) == active ]]
    [[ $(property NRestarts moiety-worker@alpha) == 0 ]]
}

bad_setting_rests() {
    inside sh -c 'echo MOIETY_WORKER_THREADS=many >/etc/moiety/worker-beta.env'
    inside systemctl start moiety-worker@beta || true
    [[ $(property ExecMainStatus moiety-worker@beta) == 78 ]]
    [[ $(property NRestarts moiety-worker@beta) == 0 ]]
    inside rm /etc/moiety/worker-beta.env
    inside systemctl reset-failed moiety-worker@beta
}

pins() {
    inside sh -c 'echo MOIETY_WORKER_CPUS=0 >/etc/moiety/worker-alpha.env'
    inside systemctl restart moiety-worker@alpha
    is_ready
    local pid
    pid=$(property MainPID moiety-worker@alpha)
    inside sh -c "cd /proc/$pid/task && step=\$(dirname \$(grep -l moiety-step */comm)) &&
        grep -x 'Cpus_allowed_list:.0' \$step/status"
}

keys_count() {
    inside sh -c 'cd /etc/moiety && umask 022 &&
        moiety keys new coordinator.key && moiety keys new worker-alpha.key &&
        moiety keys new admin.key &&
        moiety keys enrol worker-alpha.key.pub --role worker --name alpha --list allowed-keys &&
        moiety keys enrol admin.key.pub --role admin --name admin --list allowed-keys'
    inside cp -r /usr/share/moiety/keys/. /etc/systemd/system
    inside systemctl daemon-reload
    inside systemctl restart "${units[@]}"
    is_ready "${admin[@]}"
    ! inside moiety status || return 1
    ! inside runuser -u moiety cat /etc/moiety/coordinator.key || return 1
}

admin=(--key-file /etc/moiety/admin.key --coordinator-key /etc/moiety/coordinator.key.pub)

# As docs/OPERATING.md says it.
doctor_of() {
    local unit=$1
    shift
    inside sh -c "env \$(systemctl show -P Environment $unit) moiety doctor $*"
}

doctor_is_content() {
    doctor_of moiety-worker@alpha worker
    doctor_of moiety-coordinator coordinator "${admin[@]}" >"$place/doctor"
    cat "$place/doctor"
    grep -q 'worker alpha' "$place/doctor"
    inside systemctl stop moiety-coordinator
    ! doctor_of moiety-worker@alpha worker || return 1
    inside systemctl start moiety-coordinator
    is_ready "${admin[@]}"
}

upgrade_keeps() {
    local before
    before=$(property MainPID moiety-coordinator)
    inside dpkg -i /root/moiety.deb
    [[ $(property MainPID moiety-coordinator) == "$before" ]]
    inside grep -q '^  model:' /etc/moiety/coordinator.yaml
    is_ready "${admin[@]}"
}

# The step waits for the worker; the answer is the one that was given before.
drains() {
    local asked=(submit --attached -p 'int main(' -n 400 --seed 7 --json) whole interrupted job
    whole=$(inside moiety "${asked[@]}" "${admin[@]}" | sed 's/.*"text":"//; s/",".*//')
    inside moiety "${asked[@]}" "${admin[@]}" >"$place/interrupted" &
    job=$!
    eventually sh -c "moiety jobs ${admin[*]} | grep -q running" || true
    inside systemctl restart moiety-worker@alpha
    [[ $(property Result moiety-worker@alpha) == success ]]
    wait "$job"
    interrupted=$(sed 's/.*"text":"//; s/",".*//' "$place/interrupted")
    [[ -n $whole && $whole == "$interrupted" ]]
    inside systemctl stop moiety-coordinator
    [[ $(property Result moiety-coordinator) == success ]]
    inside systemctl start moiety-coordinator
}

goes() {
    inside dpkg -r moiety
    ! inside sh -c 'cat /proc/[0-9]*/comm | grep -q ^moiety' || return 1
    inside test -e /etc/moiety/coordinator.yaml
    inside dpkg --purge moiety
    ! inside test -e /var/lib/moiety || return 1
    ! inside test -e /etc/moiety/coordinator.yaml || return 1
    inside test -e /etc/moiety/coordinator.key
}
