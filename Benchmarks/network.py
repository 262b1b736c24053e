#!/usr/bin/env python3
"""Measures a cluster over links of several kinds, between network namespaces.

A coordinator and two workers have a namespace each, joined by veth pairs whose rate `tc` bounds;
Benchmarks/relay.c adds the delay, because not every kernel can. Over every link the same job must
give the same text as in one process. It needs root, for the namespaces, and a C compiler.

    sudo Benchmarks/network.py -m MODEL [--moiety .build/release] [--links REGEX] [--json]
"""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import programs

# Name, rate of `tc … tbf` or None, delay each way in microseconds, whether it stalls in mid-job.
LINKS = [
    ("veth", None, 0, False),
    ("1 Gb/s", "1gbit", 0, False),
    ("1 Gb/s, 0.2 ms", "1gbit", 200, False),
    ("1 Gb/s, 2 ms", "1gbit", 2000, False),
    ("100 Mb/s", "100mbit", 0, False),
    ("100 Mb/s, 0.2 ms", "100mbit", 200, False),
    ("100 Mb/s, 2 ms", "100mbit", 2000, False),
    ("stalls for 3 s", None, 0, True),
]
WORKERS = ["a", "b"]
CONTROL, DATA = "6644", "6646"
PROMPT = "In the beginning there was a cluster of ordinary machines, and every one of them "
START_LIMIT = 120
# What Benchmarks/relay.c stalls for, in seconds.
STALL = 3


def tool(*arguments):
    programs.run([str(argument) for argument in arguments])


class Link:
    """The namespaces, what joins them, and the relays."""

    def __init__(self, stack, relay, rate, delay):
        self.stack, self.relay, self.delays = stack, relay, []
        self.namespace("moiety-c")
        for number, worker in enumerate(WORKERS):
            self.join(number, worker, rate, delay)

    def namespace(self, name):
        tool("ip", "netns", "add", name)
        self.stack.callback(subprocess.run, ["ip", "netns", "delete", name], check=False)
        tool("ip", "-n", name, "link", "set", "lo", "up")

    def join(self, number, worker, rate, delay):
        name = f"moiety-{worker}"
        self.namespace(name)
        ends = [("moiety-c", f"c{number}", f"10.77.{number}.1"), (name, "w", f"10.77.{number}.2")]
        tool("ip", "-n", "moiety-c", "link", "add", f"c{number}", "type", "veth",
             "peer", "name", "w", "netns", name)
        for namespace, device, address in ends:
            tool("ip", "-n", namespace, "address", "add", f"{address}/24", "dev", device)
            tool("ip", "-n", namespace, "link", "set", device, "up")
            if rate:
                tool("tc", "-n", namespace, "qdisc", "add", "dev", device, "root",
                     "tbf", "rate", rate, "burst", "64kb", "latency", "100ms")
        far = ends[0][2]
        for port in (CONTROL, DATA):
            # Daemons without keys stay on loopback: a relay at each end brings them together.
            self.start("moiety-c", self.relay, 0, far, port, "127.0.0.1", port)
            self.delays.append(
                self.start(name, self.relay, delay, "127.0.0.1", port, far, port)
            )

    def start(self, namespace, *arguments, **more):
        command = ["ip", "netns", "exec", namespace, *map(str, arguments)]
        process = subprocess.Popen(command, **more)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)
        return process

    def stall(self):
        for process in self.delays:
            process.send_signal(signal.SIGUSR1)


class Cluster:
    """A coordinator and two workers of one thread, a core each."""

    def __init__(self, link, ours, model, directory):
        self.link, self.ours = link, ours
        log = open(os.path.join(directory, "daemons.log"), "ab")
        link.stack.callback(log.close)
        quiet = {"stdout": log, "stderr": log}
        link.start(
            "moiety-c", ours.program("moiety-coordinator"), "-m", model, "--workers",
            ",".join(WORKERS), "--worker-endpoint", f"tcp://127.0.0.1:{CONTROL}",
            "--http-endpoint", "none",
            "--data-endpoint", f"tcp://127.0.0.1:{DATA}", "--state-directory",
            os.path.join(directory, "coordinator"), **quiet,
        )
        for number, worker in enumerate(WORKERS):
            link.start(
                f"moiety-{worker}", "taskset", "-c", str(number % os.cpu_count()),
                ours.program("moiety-worker"), "-m", model, "--name", worker, "-t", "1",
                "--coordinator", f"tcp://127.0.0.1:{CONTROL}", "--state-directory",
                os.path.join(directory, worker), **quiet,
            )
        self.status("--wait", START_LIMIT)

    def moiety(self, *arguments):
        return ["ip", "netns", "exec", "moiety-c", self.ours.program("moiety"),
                *map(str, arguments)]

    def status(self, *arguments):
        return json.loads(programs.run(self.moiety("status", "--json", *arguments)))

    def job(self, prompt, count, *more):
        return self.moiety("submit", "--temp", 0, "-n", count, "-p", prompt, *more)

    def seconds_away(self):
        """How long trips to the workers have been on their way, computing left out."""
        return sum(
            layer["trips"] * (layer["sending_us"] + layer["travelling_us"]) / 1e6
            for layer in self.status()["trips"]
        )


def stalled(cluster, count):
    """The text of a job whose links stall after its first token."""
    with subprocess.Popen(
        cluster.job(PROMPT, count), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        bufsize=0,  # communicate() would not see what a buffer of read() has.
    ) as process:
        first = process.stdout.read(1)
        cluster.link.stall()
        text = first + process.communicate(timeout=programs.TIME_LIMIT)[0]
    if process.returncode != 0:
        raise programs.Failure(f"the job ended with {process.returncode}")
    return text.decode()


def measure(cluster, count, stalls):
    """A job of a long prompt, then one of a long answer."""
    long_prompt = json.loads(programs.run(cluster.job(PROMPT * 20, 1, "--json")))
    away, start = cluster.seconds_away(), time.monotonic()
    if stalls:
        text = stalled(cluster, count)
        seconds = time.monotonic() - start
        if seconds < STALL:
            raise programs.Failure("the job ended before the link stalled; ask for more (-n)")
        rate = count / seconds
    else:
        answer = json.loads(programs.run(cluster.job(PROMPT, count, "--json")))
        seconds = time.monotonic() - start
        text, rate = answer["text"], answer["decode_tok_s"]
    return {
        "prefill_tok_s": long_prompt["prefill_tok_s"],
        "decode_tok_s": rate,
        "wire_share": (cluster.seconds_away() - away) / seconds,
        "text": text,
    }


def over(link, ours, relay, model, count):
    name, rate, delay, stalls = link
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        cluster = Cluster(Link(stack, relay, rate, delay), ours, model, directory)
        return {"link": name, **measure(cluster, count, stalls)}


def table(rows):
    lines = ["| link | decode | prefill | on the wire | text |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        same = "the same" if row["same_text"] else "DIFFERENT"
        lines.append(
            f"| {row['link']} | {row['decode_tok_s']:.1f} tok/s | {row['prefill_tok_s']:.0f} tok/s "
            f"| {100 * row['wire_share']:.0f}% | {same} |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--moiety", default=".build/release", help="where our executables are")
    parser.add_argument("--links", default=".", help="regular expression of links to measure")
    parser.add_argument("-n", "--predict", type=int, default=64, help="tokens of the answer")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("network.py: network namespaces need root; run it with sudo")
    ours = programs.Ours(os.path.abspath(options.moiety))
    model = os.path.abspath(options.model)
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.c")
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        relay = os.path.join(directory, "relay")
        tool("cc", "-O2", source, "-o", relay, "-lpthread")
        expected = json.loads(programs.run(
            [ours.program("moiety"), "run", "-m", model, "--json", "--temp", "0", "-n",
             str(options.predict), "-p", PROMPT]
        ))["text"]
        for link in LINKS:
            if re.search(options.links, link[0]):
                print(f"{link[0]} …", file=sys.stderr)
                row = over(link, ours, relay, model, options.predict)
                row["same_text"] = row.pop("text").strip("\n") == expected.strip("\n")
                rows.append(row)
    print(json.dumps(rows, indent=2) if options.json else table(rows))
    if not all(row["same_text"] for row in rows):
        sys.exit("network.py: over some link the text differs")


if __name__ == "__main__":
    try:
        main()
    except programs.Failure as failure:
        sys.exit(f"network.py: {failure}")
