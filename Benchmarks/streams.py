#!/usr/bin/env python3
"""Measures what streams over HTTP gain from being computed together, against what they could.

A cluster of this machine serves MODEL, which must be one of random weights. In turn one stream and
STREAMS streams of random tokens are decoded, and their rates compared. A step reads each weight
once, however many streams use it, so the limit is STREAMS times the bytes that one stream's step
reads, by those that the streams' common step reads: attention, router, output matrix, and the
distinct experts that a trace of the routers shows.

    Benchmarks/streams.py -m MODEL [--streams 16] [--tokens 128] [--pairs 3] [--seed N] [--json]
"""

import argparse
import http.client
import json
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIME_LIMIT = 300
PROMPT_LENGTH = 8


class Stream(threading.Thread):
    """One answer, and when its first and last pieces came."""

    def __init__(self, url, prompt, count, seed):
        super().__init__()
        self.place = urllib.parse.urlsplit(url)
        # Tokens of random weights repeat themselves where the likeliest is taken.
        self.body = {"prompt": prompt, "max_tokens": count, "temperature": 2, "top_p": 1,
                     "min_p": 0, "ignore_eos": True, "seed": seed,
                     "stream": True, "stream_options": {"include_usage": True}}
        self.first = self.last = None
        self.count = 0
        self.failure = None

    def run(self):
        try:
            connection = http.client.HTTPConnection(
                self.place.hostname, self.place.port, timeout=TIME_LIMIT
            )
            connection.request("POST", "/v1/completions", json.dumps(self.body),
                               {"Content-Type": "application/json"})
            for line in connection.getresponse():
                if line.startswith(b"data: {"):
                    self.take(json.loads(line[6:]))
            connection.close()
        except (OSError, http.client.HTTPException, RuntimeError) as failure:
            self.failure = failure

    def take(self, piece):
        if "error" in piece:
            raise RuntimeError(piece["error"]["message"])
        if piece.get("usage"):
            self.count = piece["usage"]["completion_tokens"]
        elif piece["choices"]:
            self.last = time.monotonic()
            self.first = self.first or self.last


def decode(url, count, options, chance):
    """Tokens per second while all of `count` streams are decoded."""
    streams = [
        Stream(url, [chance.randrange(100, options.vocabulary) for _ in range(PROMPT_LENGTH)],
               options.tokens, chance.randrange(1 << 31))
        for _ in range(count)
    ]
    for stream in streams:
        stream.start()
    for stream in streams:
        stream.join()
        if stream.failure:
            raise stream.failure
        if stream.count != options.tokens:
            raise RuntimeError(f"a stream ended after {stream.count} tokens")
    begun, ended = max(stream.first for stream in streams), min(stream.last for stream in streams)
    if ended <= begun:
        raise RuntimeError("the streams were not decoded together; ask for more --tokens")
    # All take the same steps, so each makes its tokens evenly.
    return sum((stream.count - 1) / (stream.last - stream.first) for stream in streams)


def experts_used(cluster, options, chance):
    """The experts of all layers that a step of one stream uses, and one of all of them."""
    moiety = os.path.join(options.moiety, "moiety")
    environment = dict(os.environ, MOIETY_COORDINATOR=cluster.client)

    def profile(*arguments):
        subprocess.run([moiety, "admin", "profile", *arguments], env=environment, check=True,
                       stdout=subprocess.DEVNULL)

    profile("start")
    decode(cluster.url, options.streams, options, chance)
    profile("stop")
    with tempfile.TemporaryDirectory() as directory:
        trace = os.path.join(directory, "trace")
        profile("dump", os.path.join(directory, "profile"), "--trace", trace)
        with open(trace, "rb") as file:
            return distinct_experts(file.read(), options.streams)


def distinct_experts(data, rows_wanted):
    """Of a trace (docs/PLACEMENT.md): those of one row, and the mean of steps of so many rows."""
    _, layers, top_k, steps = struct.unpack_from("<4I", data, 8)
    experts = struct.unpack_from(f"<{layers}I", data, 24)
    rows = struct.unpack_from(f"<{steps}I", data, 24 + 4 * layers)
    layers_with_experts = sum(1 for count in experts if count)
    place = 24 + 4 * (layers + steps)
    counts = []
    for step_rows in rows:
        distinct = 0
        for _ in range(layers_with_experts):
            chosen = struct.unpack_from(f"<{step_rows * top_k}H", data, place)
            place += 2 * len(chosen)
            distinct += len(set(chosen))
        if step_rows == rows_wanted:
            counts.append(distinct)
    if len(counts) < 8:
        raise RuntimeError(f"only {len(counts)} steps had {rows_wanted} rows")
    return layers_with_experts * top_k, statistics.mean(counts)


def weights(options):
    """Bytes that a step of one stream reads of the coordinator's weights, and in all."""
    command = [os.path.join(options.moiety, "moiety-bench"), "model", "-m", options.model,
               "-p", "0", "-n", "1", "--json"]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures = json.loads(result.stdout)
    return figures["coordinator_weight_bytes_per_step"], figures["weight_bytes_per_step"]


def measure(cluster, options, core, whole):
    chance = random.Random(options.seed)
    decode(cluster.url, options.streams, options, chance)
    pairs = []
    for _ in range(options.pairs):
        pair = [decode(cluster.url, count, options, chance) for count in (1, options.streams)]
        pairs.append(pair)
        print(f"{pair[0]:7.1f} tok/s, together {pair[1]:7.1f} tok/s", file=sys.stderr)
    alone, used = experts_used(cluster, options, chance)
    together = core + (whole - core) * used / alone
    limit = options.streams * whole / together
    gain = statistics.median(many / one for one, many in pairs)
    return {
        "streams": options.streams,
        "one_tok_s": round(statistics.median(one for one, _ in pairs), 1),
        "together_tok_s": round(statistics.median(many for _, many in pairs), 1),
        "gain": round(gain, 3),
        "one_step_bytes": whole,
        "distinct_experts": round(used, 1),
        "together_step_bytes": round(together),
        "limit": round(limit, 3),
        "share_of_limit": round(gain / limit, 3),
        "seed": options.seed,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--moiety", default=os.path.join(TOP, ".build", "release"))
    parser.add_argument("--streams", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--vocabulary", type=int, default=1000, help="prompt tokens to draw from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ["MODEL"], os.environ["PROGRAMS"] = options.model, os.path.abspath(options.moiety)
    sys.path.insert(0, os.path.join(TOP, "Tests", "Clients"))
    from cluster import Cluster
    core, whole = weights(options)
    with Cluster(running_jobs=options.streams, context_length=options.tokens + 256) as cluster:
        result = measure(cluster, options, core, whole)
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        for key, value in result.items():
            print(f"{key:20} {value}")


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, AssertionError, subprocess.CalledProcessError) as error:
        sys.exit(f"streams.py: {error}")
