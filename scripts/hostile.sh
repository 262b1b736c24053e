#!/usr/bin/env bash
# Sends what strangers might send, in numbers: to every socket of the cluster HOSTILE_COUNT random
# and as many mutated messages (100,000 of each by default), and connections that say nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

export MOIETY_HOSTILE_COUNT=${HOSTILE_COUNT:-100000}
export FILTER=${FILTER:-MessageFloodTests|ConnectionFloodTests|Hostile}
exec scripts/test.sh
