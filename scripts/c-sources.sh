#!/usr/bin/env bash
# Lists the C that people write: everything but generated code.
set -euo pipefail
cd "$(dirname "$0")/.."
find Sources -name '*.[ch]' -not -path 'Sources/CWire/*' | sort
