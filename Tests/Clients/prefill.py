"""While a prompt of 30,000 tokens is read, everything else is answered at once."""

import http.client
import json
import os
import random
import subprocess
import time

from cluster import PROGRAMS, TOP, Cluster
from prober import Prober

TOKENS = int(os.environ.get("PROMPT_TOKENS", "30000"))
LIMIT = 100
# After so many seconds the client leaves: what was answered until then counts.
PATIENCE = float(os.environ.get("PREFILL_SECONDS", "900"))
# The standard model of docs/PERFORMANCE.md.
STANDARD = os.environ.get(
    "STANDARD_MODEL", os.path.join(TOP, ".build", "clients", "standard-q4_0.gguf")
)


def standard_model():
    if not os.path.exists(STANDARD):
        bench = os.path.join(PROGRAMS, "moiety-bench")
        subprocess.run([bench, "make-model", STANDARD, "--type", "Q4_0"],
                       check=True, stdout=subprocess.DEVNULL)
    return STANDARD


def progress(answer, deadline):
    """How many tokens were read, each time that it was told, until the end or the deadline."""
    read = []
    for line in answer:
        if line.startswith(b"data: {") and b"prompt_progress" in line:
            read.append(json.loads(line[6:])["prompt_progress"]["processed"])
        if time.monotonic() > deadline:
            break
    return read


def answered_meanwhile():
    """/health, asked every 20 ms while the standard model reads a long prompt."""
    with Cluster(model=standard_model(), context_length=TOKENS + 64) as cluster:
        chance = random.Random(1)
        vocabulary = 32768
        body = {"prompt": [chance.randrange(vocabulary) for _ in range(TOKENS)], "max_tokens": 1,
                "stream": True, "return_progress": True}
        host = cluster.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=PATIENCE)
        with Prober(cluster.url) as idle:
            time.sleep(2)
        begun = time.monotonic()
        connection.request("POST", "/v1/completions", json.dumps(body))
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        with Prober(cluster.url) as busy:
            read = progress(answer, begun + PATIENCE)
        connection.close()
        seconds = time.monotonic() - begun
        assert read and read == sorted(read), read[-3:]
        assert read[-1] == TOKENS or seconds >= PATIENCE, read[-3:]
        figures = {name: " / ".join(f"{figure:.1f}" for figure in prober.milliseconds())
                   for name, prober in [("idle", idle), ("meanwhile", busy)]}
        print(f"{read[-1]} of {TOKENS} tokens read in {seconds:.0f} s ({len(read)} reports of progress); /health "
              f"p50 / p99 / longest {figures['meanwhile']} ms of {len(busy.times)} "
              f"({figures['idle']} ms before)")
        assert busy.milliseconds()[1] < LIMIT, figures


def tests():
    return [answered_meanwhile]
