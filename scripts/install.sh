#!/usr/bin/env bash
# Installs what was built: programs, the Swift runtime that they need, units, manual pages, shell
# completions, and settings where there are none yet. What is installed needs no Swift, nor this
# directory.
#
#   make install                                  to /usr/local, settings to /etc/moiety
#   make install DESTDIR=/tmp/stage PREFIX=/usr   for a package
#
# BUILD= where the programs lie (.build/release). Without DESTDIR it also makes the user `moiety` and
# its directories, and tells systemd about the units; it starts nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

destination=${DESTDIR:-}
prefix=${PREFIX:-/usr/local}
build=${BUILD:-.build/release}
programs=(moiety moiety-coordinator moiety-worker moiety-solver moiety-bench)
root=$destination$prefix
etc=$destination/etc/moiety

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# The libraries of a program that come with Swift, from wherever Swift is.
runtime_of() {
    ldd "$1" | awk '$3 ~ /\/swift\/linux\// { print $3 }'
}

install_programs() {
    local program
    for program in "${programs[@]}"; do
        install -D -m 755 "$build/$program" "$root/bin/$program"
        # Names of functions stay, for who looks into a trap; lines of sources go.
        strip --strip-debug "$root/bin/$program"
        patchelf --set-rpath "$prefix/lib/moiety" "$root/bin/$program"
    done
}

install_runtime() {
    local library
    for program in "${programs[@]}"; do runtime_of "$build/$program"; done | sort -u |
        while read -r library; do
            install -D -m 644 "$library" "$root/lib/moiety/$(basename "$library")"
        done
    [[ -e $root/lib/moiety/libswiftCore.so ]] || fail "ldd finds no Swift runtime"
    local license
    license=$(dirname "$(readlink -f "$(command -v swift)")")/../share/swift/LICENSE.txt
    install -D -m 644 "$license" "$root/share/doc/moiety/LICENSE.swift-runtime"
}

install_units() {
    local unit
    for unit in deploy/systemd/*.service; do
        install -D -m 644 "$unit" "$root/lib/systemd/system/$(basename "$unit")"
        sed -i "s#^ExecStart=/usr/bin/#ExecStart=$prefix/bin/#; s#file:/usr/share#file:$prefix/share#" \
            "$root/lib/systemd/system/$(basename "$unit")"
    done
    install -D -m 644 deploy/sysusers.d/moiety.conf "$root/lib/sysusers.d/moiety.conf"
    install -D -m 644 deploy/tmpfiles.d/moiety.conf "$root/lib/tmpfiles.d/moiety.conf"
}

install_settings() {
    local file
    for file in coordinator worker; do
        [[ -e $etc/$file.yaml ]] || install -D -m 644 "Config/$file.yaml" "$etc/$file.yaml"
    done
}

install_documents() {
    local doc=$root/share/doc/moiety
    install -d "$doc/docs" "$doc/deploy" "$root/share/moiety"
    install -m 644 README.md "$doc"
    install -m 644 docs/* "$doc/docs"
    install -m 644 deploy/README.md "$doc/deploy"
    cp -R deploy/systemd/keys deploy/prometheus "$root/share/moiety"
    [[ ! -d deploy/grafana ]] || cp -R deploy/grafana "$root/share/moiety"
    local page
    for program in moiety moiety-coordinator moiety-worker moiety-bench; do
        page=$program.1
        [[ $program != moiety-@(coordinator|worker) ]] || page=$program.8
        install -d "$root/share/man/man${page##*.}"
        "$build/$program" --experimental-dump-help | scripts/manual.py "$page" |
            gzip -9n >"$root/share/man/man${page##*.}/$page.gz"
    done
}

install_completions() {
    local bash=$root/share/bash-completion/completions fish=$root/share/fish/vendor_completions.d
    local zsh=$root/share/zsh/vendor-completions
    install -d "$bash" "$fish" "$zsh"
    local program
    for program in moiety moiety-coordinator moiety-worker moiety-bench; do
        "$build/$program" --generate-completion-script bash >"$bash/$program"
        "$build/$program" --generate-completion-script zsh >"$zsh/_$program"
        "$build/$program" --generate-completion-script fish >"$fish/$program.fish"
    done
}

shopt -s extglob
[[ $prefix == /* ]] || fail "PREFIX is '$prefix'; it must begin with /"
for program in "${programs[@]}"; do
    [[ -x $build/$program ]] || fail "$build/$program is missing; run 'make build' first"
done
scripts/install-deps.sh package

umask 022
install_programs
install_runtime
install_units
install_settings
install_documents
install_completions

[[ -z $destination ]] || exit 0
if command -v systemd-sysusers >/dev/null; then
    systemd-sysusers "$prefix/lib/sysusers.d/moiety.conf"
    systemd-tmpfiles --create "$prefix/lib/tmpfiles.d/moiety.conf"
fi
[[ ! -d /run/systemd/system ]] || systemctl daemon-reload
