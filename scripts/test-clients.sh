#!/usr/bin/env bash
# Talks to a cluster with clients of others: PyPI's openai, promtool, schemathesis, and a crowd of
# streams that come and go. Installs what it needs beneath .build/clients.
#
#   scripts/test-clients.sh          all of them
#   scripts/test-clients.sh openai   one of openai, metrics, schema, page (in a headless Chromium),
#                                    prefill (/health while a long prompt is read), load,
#                                    batch ('moiety submit --file')
#
# MODEL= another model; PROMPT_TOKENS= (30000) of the prefill, which is left after
# PREFILL_SECONDS= (900), and STANDARD_MODEL= its file, made otherwise; MINUTES= (1) and STREAMS= (64)
# of the load; VISITS= (1000) clients that come and go; LINES= (10000) of the batch.
set -euo pipefail
cd "$(dirname "$0")/.."

place=$PWD/.build/clients
mkdir -p "$place"

if [[ ! -x $place/venv/bin/openai ]]; then
    python3 -m venv "$place/venv"
    "$place/venv/bin/pip" install --quiet 'openai>=1,<3' 'schemathesis>=4,<5' 'websockets>=13'
fi

# promtool without the service that Debian's package would start.
if [[ ! -x $place/promtool ]]; then
    if command -v promtool >/dev/null; then
        ln -sf "$(command -v promtool)" "$place/promtool"
    else
        (cd "$place" && apt-get -q download prometheus >&2)
        dpkg --extract "$place"/prometheus_*.deb "$place/prometheus"
        ln -sf prometheus/usr/bin/promtool "$place/promtool"
    fi
fi

if ! command -v chromium >/dev/null && ((EUID == 0)); then
    DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends chromium >&2
fi

[[ -x .build/release/moiety-coordinator ]] || swift build -c release
exec "$place/venv/bin/python" Tests/Clients/run.py --tools "$place" "$@"
