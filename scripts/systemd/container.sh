#!/usr/bin/env bash
# Read by scripts/test-systemd.sh: a Debian with a systemd of its own. Uses place, base, tree, model,
# package and leader.
# shellcheck disable=SC2154

# A Debian with what the package depends on, but not the package.
prepare_tree() {
    local missing=() tool
    for tool in debootstrap systemd-nspawn; do
        command -v "$tool" >/dev/null || missing+=("${tool/systemd-nspawn/systemd-container}")
    done
    ((${#missing[@]} == 0)) ||
        DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
            "${missing[@]}" >&2
    local libraries
    libraries=$(dpkg-deb -f "$package" Depends |
        sed -E 's/ *\([^)]*\)//g; s/ *\|[^,]*//g; s/, */ /g')
    if [[ ! -e $base.made ]]; then
        rm -rf "$base"
        mkdir -p "$place"
        debootstrap --variant=minbase --include=systemd-sysv,dbus,curl bookworm "$base" >&2
        touch "$base.made"
    fi
    rm -rf "$tree"
    cp -a --reflink=auto "$base" "$tree"
    cp --remove-destination /etc/resolv.conf "$tree/etc/resolv.conf"
    # shellcheck disable=SC2086 # names, separated by blanks
    chroot "$tree" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q install -y --no-install-recommends $libraries >&2
    cp "$package" "$tree/root/moiety.deb"
    mkdir -p "$tree/srv/models"
    install -m 644 "$model" "$tree/srv/models/model.gguf"
}

# systemd-nspawn clears up beneath /run, which it wants to be no disk; it gets one of its own.
start_container() {
    # shellcheck disable=SC2016 # $1 is the inner shell's
    setsid unshare --mount bash -c 'mount -t tmpfs tmpfs /run && mkdir /run/systemd &&
        SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn --directory="$1" --boot \
            --register=no --keep-unit --console=pipe --private-network' - "$tree" \
        >"$place/console.log" 2>&1 </dev/null &
    nspawn=$!
    local tick
    for ((tick = 0; tick < 300; tick++)); do
        leader=$(cut -d ' ' -f 1 "/proc/$nspawn/task/$nspawn/children" || true)
        [[ -z $leader ]] || ! inside systemctl is-system-running 2>/dev/null |
            grep -qE 'running|degraded' || return 0
        kill -0 "$nspawn" 2>/dev/null || break
        sleep 0.1
    done
    cat "$place/console.log" >&2
    fail "The container did not start: this machine may not allow it."
}

stop_container() {
    [[ -n ${nspawn:-} ]] || return 0
    # A signal that systemd takes for "halt".
    [[ -z $leader ]] || kill -s RTMIN+3 "$leader" 2>/dev/null || true
    local tick
    for ((tick = 0; tick < 100; tick++)); do
        kill -0 "$nspawn" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$leader" "$nspawn" 2>/dev/null || true
}

# Runs a command in the container, with nothing of this shell's environment.
inside() {
    nsenter --target "$leader" --all env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
}

# Waits until a command in the container is content: 30 s at most.
eventually() {
    local tick
    for ((tick = 0; tick < 150; tick++)); do
        ! inside "$@" || return 0
        sleep 0.2
    done
    echo "not within 30 s: $*"
    return 1
}
