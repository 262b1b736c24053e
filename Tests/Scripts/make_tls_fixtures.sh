#!/usr/bin/env bash
# Makes the certificate and key of Tests/APITests/Fixtures, with which tests serve HTTPS on this
# machine, and a key that belongs to no certificate. They are no secrets: nobody trusts them.
set -euo pipefail
cd "$(dirname "$0")/../APITests/Fixtures"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 \
    -subj "/CN=moiety test" -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
    -keyout localhost.key -out localhost.crt
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out other.key
