"""Runs the programs that are compared, ours and llama.cpp's, and reads what they measured.

Each function is one measurement in a process of its own and returns a dictionary of figures:
`prefill` and `decode` in tokens per second, and what else there is.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import time

# The longest that one measurement may take, in seconds: long contexts are read first.
TIME_LIMIT = 1800


class Failure(Exception):
    """A program that did not measure; the text is its last words."""


def run(arguments, errors=False):
    """Runs a program to its end and returns its standard output, with its errors if wanted."""
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"{arguments[0]}: {error}") from error
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()[-3:]
        raise Failure(f"{os.path.basename(arguments[0])} ended with {done.returncode}: {words}")
    return done.stdout + (done.stderr if errors else "")


class Ours:
    """Moiety's executables in one directory."""

    def __init__(self, directory):
        self.directory = directory

    def program(self, name):
        path = os.path.join(self.directory, name)
        if not os.access(path, os.X_OK):
            raise Failure(f"{path} is missing; build it with: make build")
        return path

    def bench(self, *arguments):
        return json.loads(run([self.program("moiety-bench"), *map(str, arguments), "--json"]))

    def model(self, path, threads, prompt=512, new=64, batch=1, depth=0, repetitions=1):
        figures = self.bench(
            "model", "-m", path, "-p", prompt, "-n", new, "-t", threads, "--batch", batch,
            "--context", depth, "--repetitions", repetitions, "--bandwidth",
        )
        return {
            "prefill": figures.get("prefill_tok_s"),
            "decode": figures.get("decode_tok_s"),
            "bandwidth_share": figures.get("decode_bandwidth_share"),
        }

    def cluster(self, path, workers=2, prompt=512, new=64, batch=1):
        figures = self.bench(
            "cluster", "-m", path, "-p", prompt, "-n", new, "--workers", workers,
            "--batch", batch, "--repetitions", 1,
        )
        return {"prefill": figures.get("prefill_tok_s"), "decode": figures.get("decode_tok_s")}

    def first_token(self, path):
        """Seconds from starting `moiety run` to the first byte of its answer."""
        arguments = [self.program("moiety"), "run", "-m", path, "-p", "NAME\n", "-n", "4",
                     "--temp", "0"]
        start = time.monotonic()
        with subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            first = process.stdout.read(1)
            seconds = time.monotonic() - start
            process.communicate()
        if not first:
            raise Failure("moiety run wrote nothing")
        return {"seconds": seconds}

    def perplexity(self, path, text):
        figures = json.loads(
            run([self.program("moiety"), "perplexity", "-m", path, "-f", text, "--json"])
        )
        return {"perplexity": figures["perplexity"]}

    def make_model(self, path, element_type):
        run([self.program("moiety-bench"), "make-model", path, "--type", element_type])


class Peer:
    """llama.cpp's tools in one directory."""

    FIRST_PORT = 50152
    START_LIMIT = 20

    def __init__(self, directory):
        self.directory = directory

    def program(self, name):
        return os.path.join(self.directory, name)

    def model(self, path, threads, prompt=512, new=64, depth=0, repetitions=1, more=()):
        arguments = [
            self.program("llama-bench"), "-m", path, "-p", str(prompt), "-n", str(new),
            "-t", str(threads), "-d", str(depth), "-r", str(repetitions), "-o", "json", *more,
        ]
        figures = {}
        for result in json.loads(run(arguments)):
            figures["prefill" if result["n_prompt"] > 0 else "decode"] = result["avg_ts"]
        return figures

    def batch(self, path, threads, batch, prompt, new):
        room = batch * (prompt + new)
        arguments = [
            self.program("llama-batched-bench"), "-m", path, "-c", str(room), "-b", "2048",
            "-ub", "512", "-npp", str(prompt), "-ntg", str(new), "-npl", str(batch),
            "-t", str(threads), "--output-format", "jsonl",
        ]
        lines = [line for line in run(arguments).splitlines() if line.startswith("{")]
        if not lines:
            raise Failure("llama-batched-bench printed no figures")
        result = json.loads(lines[-1])
        return {"prefill": result["speed_pp"], "decode": result["speed_tg"]}

    def perplexity(self, path, text):
        arguments = [self.program("llama-perplexity"), "-m", path, "-f", text, "-c", "256"]
        words = run(arguments, errors=True)
        found = re.search(r"Final estimate: PPL = ([0-9.]+)", words)
        if not found:
            raise Failure("llama-perplexity printed no estimate")
        return {"perplexity": float(found.group(1))}

    def cluster(self, path, servers=2, prompt=512, new=64):
        """Over RPC, with servers of one thread, each on a core of its own."""
        with contextlib.ExitStack() as stack:
            addresses = []
            for number in range(servers):
                addresses.append(self._server(stack, number))
            more = ["--rpc", ",".join(addresses), "-ngl", "99"]
            return self.model(path, servers, prompt, new, more=more)

    def _server(self, stack, number):
        port = self.FIRST_PORT + number
        process = stack.enter_context(
            subprocess.Popen(
                ["taskset", "-c", str(number), self.program("ggml-rpc-server"), "-t", "1",
                 "-H", "127.0.0.1", "-p", str(port)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
        )
        stack.callback(process.kill)
        end = time.monotonic() + self.START_LIMIT
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return f"127.0.0.1:{port}"
            if process.poll() is not None or time.monotonic() > end:
                raise Failure("ggml-rpc-server does not listen")
            time.sleep(0.05)
