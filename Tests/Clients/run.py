#!/usr/bin/env python3
"""Runs the tests of clients, one part after another; exits with 1 where any failed."""

import argparse
import os
import subprocess
import sys
import traceback

import batch
import load
import monitoring
import openai_client
import page
import prefill
from cluster import TEMPLATE, TOP, Cluster


TOOLS = None


def metrics():
    """promtool finds nothing to say about the metrics."""
    with Cluster() as cluster:
        text = cluster.get("/metrics")
        result = subprocess.run(
            [os.path.join(TOOLS, "promtool"), "check", "metrics"],
            input=text, capture_output=True, text=True, check=False,
        )
        assert result.returncode == 0 and not result.stderr, result.stdout + result.stderr
    example = os.path.join(TOP, "deploy", "prometheus", "moiety.yml")
    subprocess.run([os.path.join(TOOLS, "promtool"), "check", "config", example], check=True,
                   stdout=subprocess.DEVNULL)


def alerts():
    """The alerts for Prometheus are raised when they should."""
    monitoring.alerts(os.path.join(TOOLS, "promtool"))


def schema():
    """schemathesis finds no answer that the OpenAPI document does not announce, and no crash."""
    with Cluster(context_length=64, template=TEMPLATE) as cluster:
        subprocess.run(
            [
                os.path.join(TOOLS, "venv", "bin", "schemathesis"), "run",
                cluster.url + "/openapi.json", "--max-examples",
                os.environ.get("EXAMPLES", "100"), "--checks",
                "not_a_server_error,status_code_conformance,content_type_conformance,"
                "response_schema_conformance",
                "--exclude-path-regex", "^/(health|readyz)$", "--request-timeout", "30",
            ],
            check=True,
        )
        assert cluster.json("/health") == {"status": "ok"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", required=True)
    parser.add_argument("parts", nargs="*")
    options = parser.parse_args()
    global TOOLS
    TOOLS = options.tools
    parts = {
        "openai": openai_client.tests(),
        "metrics": [metrics, alerts],
        "schema": [schema],
        "prefill": prefill.tests(),
        "load": [load.visits, load.streams],
        "batch": batch.tests(),
        "page": [page.live, page.budget, page.phone],
    }
    passed = failed = 0
    for part in options.parts or parts:
        for test in parts[part]:
            name = f"{part} {test.__name__}"
            try:
                test()
                passed += 1
                print(f"ok      {name}", flush=True)
            except Exception:
                failed += 1
                traceback.print_exc()
                print(f"FAILED  {name}", flush=True)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
