#!/usr/bin/env python3
"""Measures latency where jobs are let in by their objectives, and first come, first served.

Two clusters of this machine serve MODEL, one with `coordinator.admission` at `arrival`, one at
`objectives`. The same requests of five tasks, at the same random times (Poisson), go to the one and
then to the other, over HTTP, at parts of the rate that first come, first served just keeps up with:
as many leave in a second when all wait from the beginning. How long answers become nobody is told;
they end when they are as long as was drawn. Each round draws anew; what one order gains is the median
of the rounds' ratios. What `make bench-admission` does.

    Benchmarks/admission.py -m MODEL [--requests 300] [--loads 0.5,0.6,0.7,0.8,0.9,1.0]
        [--rounds 3] [--running-jobs 8] [--scale 1] [--seed N] [--json] [--output DIRECTORY]
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import time
import urllib.parse
from dataclasses import dataclass

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Of one answer, however long the queue is.
TIME_LIMIT = 900
# Means of exponential draws, as the paper's data sets have them (eMoE), and how soon the first
# token is wished: in times that a request takes on the mean when the machine is full.
TASKS = [
    ("sum", 430, 60, 12), ("clsfy", 40, 3, 3), ("qa", 160, 12, 6), ("comp", 30, 3, 3),
    ("conv", 60, 180, 12),
]
# Each further token, in times that it takes on the median when the machine is full.
PACE = 1.5
LONGEST_PROMPT, LONGEST_ANSWER = 1200, 700
# Ends an answer once it is as long as was drawn.
LAST_TOKEN = 999
ORDERS = ("arrival", "objectives")


@dataclass
class Request:
    """Something to ask, and when, in seconds from the beginning."""

    at: float
    task: str
    prompt: list
    count: int
    first: float


@dataclass
class Answer:
    """Seconds from asking to the first token, between two tokens, and to the end."""

    first: float
    pace: float
    whole: float
    keeps: bool


def draw(count, rate, unit, seed):
    """Requests, evenly of all tasks; all at once where there is no rate."""
    chance = random.Random(seed)
    at, requests = 0.0, []
    for _ in range(count):
        at += chance.expovariate(rate) if rate else 0
        task, prompt, answer, first = chance.choice(TASKS)
        length = min(LONGEST_PROMPT, 1 + int(chance.expovariate(1 / prompt)))
        requests.append(Request(
            at, task, [chance.randrange(100, 900) for _ in range(length)],
            min(LONGEST_ANSWER, 2 + int(chance.expovariate(1 / answer))), first * unit,
        ))
    return requests


def body(request, pace):
    wish = {"slo_ttft": 1000 * request.first, "slo_tpot": 1000 * pace} if pace else {}
    return json.dumps({
        "prompt": request.prompt, "task": request.task, "max_tokens": LONGEST_ANSWER,
        "temperature": 0, "ignore_eos": True, "min_tokens": request.count - 1,
        "stop_token_ids": [LAST_TOKEN], "logit_bias": {str(LAST_TOKEN): 100},
        "stream": True, "stream_options": {"include_usage": True}, **wish,
    }).encode()


async def ask(url, request, pace):
    """One answer; nothing is made of its text."""
    place = urllib.parse.urlsplit(url)
    content = body(request, pace)
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    head = (f"POST /v1/completions HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n")
    writer.write(head.encode() + content)
    first = last = usage = None
    async for line in reader:
        if not line.startswith(b"data: {"):
            continue
        now = time.monotonic()
        if line.startswith(b'data: {"error"'):
            raise RuntimeError(line.decode())
        if b'"usage":{' in line:
            usage = json.loads(line[6:])["usage"]
            break
        first, last = first or now, now
    writer.close()
    if not usage or not first or usage["completion_tokens"] != request.count:
        raise RuntimeError(f"an answer of {request.count} tokens ended with {usage}")
    between = (last - first) / (request.count - 1)
    keeps = first - begun <= request.first and (not pace or between <= pace)
    return Answer(first - begun, between, last - begun, keeps)


async def play(url, requests, pace):
    """All answers, in the order of the requests."""
    start = time.monotonic()

    async def one(request):
        await asyncio.sleep(max(0, start + request.at - time.monotonic()))
        async with asyncio.timeout(TIME_LIMIT):
            return await ask(url, request, pace)

    return await asyncio.gather(*[one(request) for request in requests])


def mean_latency(answers):
    return statistics.mean(answer.whole for answer in answers)


def summary(load, rate, order, rounds, held):
    """Of all rounds' answers together, and each round's mean."""
    answers = [answer for answers in rounds for answer in answers]
    whole = sorted(answer.whole for answer in answers)
    return {
        "load": load,
        "requests_s": round(rate, 3),
        "order": order,
        "mean_s": round(mean_latency(answers), 3),
        "means_s": [round(mean_latency(answers), 4) for answers in rounds],
        "p50_s": round(statistics.median(whole), 3),
        "p99_s": round(whole[min(len(whole) - 1, len(whole) * 99 // 100)], 3),
        "first_token_mean_s": round(statistics.mean(answer.first for answer in answers), 3),
        "attainment": round(sum(answer.keeps for answer in answers) / len(answers), 4),
        "held_back": held,
    }


def measure(clusters, options):
    """What first come, first served keeps up with, and both orders at each load."""
    # What is known of steps and answers before the measurement is known to both.
    for cluster in clusters.values():
        asyncio.run(play(cluster.url, draw(60, 0, 1, options.seed + 1000), 0))
    crowd = draw(options.requests, 0, 1, options.seed)
    answers = asyncio.run(play(clusters["arrival"].url, crowd, 0))
    # Only as long as somebody waits: the last ones run beside fewer and fewer.
    crowded = max(answer.first for answer in answers)
    most = sum(answer.whole <= crowded for answer in answers) / crowded
    unit = options.scale / most
    pace = options.scale * PACE * statistics.median(answer.pace for answer in answers)
    tell(f"{most:.2f} requests/s at most; objectives: first token within "
         + ", ".join(f"{task} {first * unit:.2f} s" for task, _, _, first in TASKS)
         + f", then {1000 * pace:.1f} ms a token")
    results = []
    for number, load in enumerate(options.loads):
        answers, held = {order: [] for order in ORDERS}, dict.fromkeys(ORDERS, 0)
        for turn in range(options.rounds):
            seed = options.seed + number + 100 * turn
            requests = draw(options.requests, load * most, unit, seed)
            # Neither is always the first to run.
            for order in ORDERS if (number + turn) % 2 == 0 else ORDERS[::-1]:
                cluster = clusters[order]
                before = cluster.metric("requests_held_back_total")
                answers[order].append(asyncio.run(play(cluster.url, requests, pace)))
                held[order] += int(cluster.metric("requests_held_back_total") - before)
        for order in ORDERS:
            results.append(summary(load, load * most, order, answers[order], held[order]))
            tell(line(results[-1]))
    results.sort(key=lambda result: (result["load"], result["order"]))
    return {
        "requests": options.requests, "rounds": options.rounds,
        "running_jobs": options.running_jobs,
        "saturating_requests_s": round(most, 3), "first_token_s": {
            task: round(first * unit, 3) for task, _, _, first in TASKS
        },
        "each_token_s": round(pace, 5), "seed": options.seed, "runs": results,
    }


def tell(text):
    print(text, file=sys.stderr, flush=True)


def line(result):
    return (f"| {result['load']} | {result['requests_s']:.2f} | {result['order']} "
            f"| {result['mean_s']:.2f} s | {result['p50_s']:.2f} s | {result['p99_s']:.2f} s "
            f"| {100 * result['attainment']:.1f} % | {result['held_back']} |")


def table(result):
    """Markdown, with what the mean gains at each load."""
    lines = ["| load | requests/s | order | mean | p50 | p99 | objectives met | held back |",
             "|---|---|---|---|---|---|---|---|"]
    lines += [line(run) for run in result["runs"]]
    gains = []
    for load, old, new in pairs(result):
        ratios = sorted(by / come for come, by in zip(old["means_s"], new["means_s"]))
        gains.append(f"{load}: {100 * (statistics.median(ratios) - 1):+.0f} % "
                     f"({100 * (ratios[0] - 1):+.0f} to {100 * (ratios[-1] - 1):+.0f})")
    return ("\n".join(lines) + "\n\nMean latency by objectives, median and range of rounds, by load: "
            + ", ".join(gains) + "\n")


def pairs(result):
    by = {(run["load"], run["order"]): run for run in result["runs"]}
    loads = sorted({run["load"] for run in result["runs"]})
    return [(load, by[load, ORDERS[0]], by[load, ORDERS[1]]) for load in loads]


# Curves


WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, ABOVE, BELOW = 56, 24, 64, 56
COLORS = {"arrival": "#d95f02", "objectives": "#1b6ca8"}
NAMES = {"arrival": "first come, first served", "objectives": "objectives"}


def text(x, y, words, anchor="start", color="black", size=13):
    return (f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{color}" '
            f'text-anchor="{anchor}">{words}</text>')


def stroke(points, color="#333", width=1):
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="{width}"/>'


def curves(title, result, value, highest, label):
    """An SVG file of `value` of each run by load, from 0 to `highest`."""
    loads = sorted({run["load"] for run in result["runs"]})
    span = (loads[-1] - loads[0]) or 1
    end = WIDTH - RIGHT

    def place(load, height):
        return (LEFT + (load - loads[0]) / span * (end - LEFT),
                HEIGHT - BELOW - height / highest * (HEIGHT - ABOVE - BELOW))

    parts = [text(10, 22, title, size=14)]
    for quarter in range(5):
        y = place(loads[0], highest * quarter / 4)[1]
        parts.append(stroke([(LEFT, y), (end, y)], "#ccc" if quarter else "#333"))
        parts.append(text(LEFT - 8, y + 5, label(highest * quarter / 4), "end"))
    for load in loads:
        x, y = place(load, 0)
        parts += [stroke([(x, y), (x, y + 5)]), text(x, y + 20, f"{load:g}", "middle")]
    parts.append(text((LEFT + end) / 2, HEIGHT - 14,
                      "load: the rate, of what first come, first served keeps up with", "middle"))
    x = LEFT
    for order in ORDERS:
        parts.append(text(x, ABOVE - 18, NAMES[order], color=COLORS[order]))
        x += 7 * len(NAMES[order]) + 24
        runs = sorted((run["load"], value(run)) for run in result["runs"] if run["order"] == order)
        parts.append(stroke([place(load, height) for load, height in runs], COLORS[order], 2))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            'font-family="sans-serif">\n<rect width="100%" height="100%" fill="white"/>\n'
            + "\n".join(parts) + "\n</svg>\n")


def write(result, directory):
    os.makedirs(directory, exist_ok=True)
    slowest = max(run["mean_s"] for run in result["runs"])
    files = {
        "admission.md": table(result),
        "attainment-measured.svg": curves(
            "Requests that met their objectives", result, lambda run: run["attainment"], 1,
            lambda share: f"{100 * share:.0f} %"),
        "latency-measured.svg": curves(
            "Mean latency", result, lambda run: run["mean_s"], slowest,
            lambda seconds: f"{seconds:.1f} s"),
    }
    for name, content in files.items():
        with open(os.path.join(directory, name), "w") as file:
            file.write(content)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("--moiety", default=os.path.join(TOP, ".build", "release"))
    parser.add_argument("--requests", type=int, default=300, help="of each run")
    parser.add_argument("--loads", default="0.5,0.6,0.7,0.8,0.9,1.0")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--running-jobs", type=int, default=8)
    parser.add_argument("--scale", type=float, default=1, help="of all objectives")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--output", help="directory for a table and curves")
    options = parser.parse_args()
    options.loads = [float(load) for load in options.loads.split(",")]
    os.environ["MODEL"], os.environ["PROGRAMS"] = options.model, os.path.abspath(options.moiety)
    sys.path.insert(0, os.path.join(TOP, "Tests", "Clients"))
    from cluster import Cluster
    settings = {"running_jobs": options.running_jobs, "queued_jobs": 100_000, "prefix_cache": "off",
                "context_length": LONGEST_PROMPT + LONGEST_ANSWER + 8}
    with (
        Cluster(admission="arrival", **settings) as arrival,
        Cluster(admission="objectives", **settings) as objectives,
    ):
        result = measure({"arrival": arrival, "objectives": objectives}, options)
    if options.output:
        write(result, options.output)
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, OSError, AssertionError, TimeoutError) as error:
        sys.exit(f"admission.py: {error}")
