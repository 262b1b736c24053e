#!/bin/sh
# Makes Sources/CWire from Protos with protoc-c. The result is checked in, so that builds need no
# generator and reviewers see what changes.
#
#   scripts/protos.sh           regenerate
#   scripts/protos.sh --check   fail where the checked-in code is not what Protos gives
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)

command -v protoc-c > /dev/null || {
    echo "protoc-c is missing; install it with: apt-get install protobuf-c-compiler" >&2
    exit 1
}

generate() {
    mkdir -p "$1/include/moiety/v1"
    (cd "$root/Protos" && protoc-c --c_out="$1" moiety/v1/*.proto)
    for source in "$1"/moiety/v1/*.pb-c.c; do
        mv "$source" "$1/"
    done
    mv "$1"/moiety/v1/*.pb-c.h "$1/include/moiety/v1/"
    rmdir "$1/moiety/v1" "$1/moiety"
    {
        echo "// Made by scripts/protos.sh from Protos. Do not edit."
        echo "module CWire {"
        for header in "$1"/include/moiety/v1/*.pb-c.h; do
            echo "    header \"moiety/v1/$(basename "$header")\""
        done
        echo "    export *"
        echo "}"
    } > "$1/include/module.modulemap"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
generate "$scratch/CWire"

case "${1:-}" in
--check)
    diff -r "$scratch/CWire" "$root/Sources/CWire" || {
        echo "Sources/CWire is not what Protos gives; run scripts/protos.sh and commit." >&2
        exit 1
    }
    ;;
"")
    rm -rf "$root/Sources/CWire"
    mv "$scratch/CWire" "$root/Sources/CWire"
    ;;
*)
    echo "usage: scripts/protos.sh [--check]" >&2
    exit 2
    ;;
esac
