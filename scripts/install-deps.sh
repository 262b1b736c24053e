#!/usr/bin/env bash
# Installs what is missing from Debian, and says what to do about a missing or old Swift.
#
#   scripts/install-deps.sh build    what building, running and testing need
#   scripts/install-deps.sh check    what `make check` needs besides
#   scripts/install-deps.sh package  what `make install` and `make deb` need besides
set -euo pipefail

build_packages=(
    libzmq3-dev libprotobuf-c-dev libopenblas-dev libpcre2-dev coinor-libcbc-dev libsqlite3-dev
    libxxhash-dev
)
check_packages=(protobuf-c-compiler clang-format systemd)
package_packages=(binutils patchelf dpkg-dev python3-minimal)

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

require_swift() {
    local advice="Moiety needs Swift 6.2 or later: see https://www.swift.org/install/linux/"
    command -v swift >/dev/null || fail "swift is not on the PATH." "$advice"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p')
    [[ -n $version ]] || fail "swift --version does not work." "$advice"
    if ((${version%.*} < 6 || (${version%.*} == 6 && ${version#*.} < 2))); then
        fail "This is Swift $version." "$advice"
    fi
}

is_installed() {
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

install_missing() {
    if ! command -v dpkg-query >/dev/null; then
        echo "Not a Debian system: please see to the equivalents of $*" >&2
        return
    fi
    local missing=() package
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]} > 0)) || return 0

    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail \
            "Missing from Debian: ${missing[*]}" \
            "There is neither root nor sudo here; as root, run: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    echo "Installing from Debian: ${missing[*]}" >&2
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q)
    "${apt[@]}" update >&2
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >&2
}

case ${1:-build} in
build)
    require_swift
    install_missing "${build_packages[@]}"
    ;;
check)
    require_swift
    install_missing "${check_packages[@]}"
    ;;
package)
    require_swift
    install_missing "${package_packages[@]}"
    ;;
*)
    fail "usage: scripts/install-deps.sh [build|check|package]"
    ;;
esac
