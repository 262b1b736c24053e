#!/usr/bin/env bash
# What `make check` looks at: formats, and generated code against Protos. Every check runs, even
# after one has failed. The rules of the house are tests (HouseTests) and run with the others.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install-deps.sh check

failed=0
check() {
    local title=$1
    shift
    if "$@"; then
        echo "ok      $title" >&2
    else
        echo "FAILED  $title" >&2
        failed=$((failed + 1))
    fi
}

c_format() {
    scripts/c-sources.sh | xargs -r clang-format --dry-run --Werror
}

check "Swift is formatted (make format)" \
    swift format lint --strict --recursive Sources Tests Fuzz Package.swift
check "C is formatted (make format)" c_format
check "generated code matches Protos (make protos)" scripts/protos.sh --check
check "units of deploy/systemd are sound and confined" scripts/units.sh

((failed == 0))
