#!/usr/bin/env python3
"""Measures what the prefix cache does for a prompt that comes again.

A cluster of this machine serves MODEL. Prompts of LENGTH random tokens are asked for
twice each; the time to the first token of the second is what the cache makes of the first's. The
tokens of both answers must be the same. What `make bench-prefix` does.

    Benchmarks/prefix.py -m MODEL [--length 8000] [--prompts 3] [--tokens 8] [--seed N] [--json]
"""

import argparse
import http.client
import json
import os
import random
import statistics
import sys
import time
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A prompt of many thousand tokens may take so many seconds.
TIME_LIMIT = 600


def ask(url, prompt, count, **wishes):
    """Seconds to the first text, the whole text, and how many tokens were cached."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=TIME_LIMIT)
    body = {"prompt": prompt, "max_tokens": count, "temperature": 0, "stream": True,
            "stream_options": {"include_usage": True}, **wishes}
    begun = time.monotonic()
    connection.request("POST", "/v1/completions", json.dumps(body),
                       {"Content-Type": "application/json"})
    first, text, cached = None, "", None
    for line in connection.getresponse():
        if not line.startswith(b"data: {"):
            continue
        piece = json.loads(line[6:])
        if "error" in piece:
            raise RuntimeError(piece["error"]["message"])
        if piece["choices"]:
            first = first or time.monotonic() - begun
            text += piece["choices"][0]["text"]
        if piece.get("usage"):
            cached = piece["usage"]["prompt_tokens_details"]["cached_tokens"]
    connection.close()
    return first, text, cached


def measure(cluster, options):
    chance = random.Random(options.seed)
    vocabulary = options.vocabulary
    pairs = []
    for _ in range(options.prompts):
        prompt = [chance.randrange(100, vocabulary) for _ in range(options.length)]
        first, again = (ask(cluster.url, prompt, options.tokens) for _ in range(2))
        if first[1] != again[1]:
            raise RuntimeError("the answers differ")
        if first[2] != 0:
            raise RuntimeError(f"{first[2]} tokens of a new prompt were cached")
        pairs.append((first[0], again[0], again[2]))
        print(f"{first[0]:7.2f} s, again {again[0]:6.3f} s, {again[2]} tokens cached",
              file=sys.stderr)
    return {
        "length": options.length,
        "cached_tokens": pairs[0][2],
        "first_s": round(statistics.median(first for first, _, _ in pairs), 3),
        "again_s": round(statistics.median(again for _, again, _ in pairs), 3),
        "share": round(statistics.median(again / first for first, again, _ in pairs), 4),
        "seed": options.seed,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--moiety", default=os.path.join(TOP, ".build", "release"))
    parser.add_argument("--length", type=int, default=8000)
    parser.add_argument("--prompts", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--vocabulary", type=int, default=1000, help="tokens to draw from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ["MODEL"], os.environ["PROGRAMS"] = options.model, os.path.abspath(options.moiety)
    sys.path.insert(0, os.path.join(TOP, "Tests", "Clients"))
    from cluster import Cluster
    with Cluster(context_length=max(8192, options.length + options.tokens)) as cluster:
        result = measure(cluster, options)
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        for key, value in result.items():
            print(f"{key:14} {value}")


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, AssertionError) as error:
        sys.exit(f"prefix.py: {error}")
