"""Tests of what lies in deploy/ for those who watch a cluster."""

import os
import subprocess

from cluster import TOP


def alerts(promtool):
    """promtool takes the alerts, and they are raised when they should."""
    for arguments in (
        ["check", "rules", os.path.join(TOP, "deploy", "prometheus", "alerts.yml")],
        ["test", "rules", os.path.join(os.path.dirname(__file__), "alerts.yml")],
    ):
        result = subprocess.run(
            [promtool, *arguments], capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
