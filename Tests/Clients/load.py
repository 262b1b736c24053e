"""Crowds: many streams at once for minutes, and clients that come and go at random."""

import asyncio
import os
import random
import statistics
import time

import openai
from cluster import Cluster, wait_until
from prober import Prober

MINUTES = float(os.environ.get("MINUTES", "1"))
STREAMS = int(os.environ.get("STREAMS", "64"))
VISITS = int(os.environ.get("VISITS", "1000"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))
PROMPTS = ["NAME\n       ls - ", "DESCRIPTION\n", "The quick brown fox ", "int main(void) {\n"]
# Nobody waits longer for a sign of life.
SILENCE_LIMIT = 120


def connect(cluster):
    return openai.AsyncOpenAI(
        base_url=cluster.url + "/v1", api_key="none", max_retries=0, timeout=SILENCE_LIMIT
    )


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def rested(cluster):
    return (cluster.metric("num_requests_running") == 0
            and cluster.metric("num_requests_waiting") == 0)


def streams():
    """Holds STREAMS streams for MINUTES: none fails, none hangs, memory stays as it was."""

    async def one(client, model, chance, deadline, figures):
        while time.monotonic() < deadline:
            begun = last = time.monotonic()
            count = 0
            pieces = await client.completions.create(
                model=model, prompt=chance.choice(PROMPTS), max_tokens=chance.randrange(16, 96),
                stream=True, stream_options={"include_usage": True},
            )
            async for piece in pieces:
                now = time.monotonic()
                if piece.choices and piece.choices[0].text:
                    figures["gaps" if count else "firsts"].append(now - last)
                    last = now
                    count += 1
                if piece.usage:
                    figures["tokens"] += piece.usage.completion_tokens
            figures["answers"] += 1
            figures["longest"] = max(figures["longest"], time.monotonic() - begun)

    async def watch(cluster, deadline, memory):
        while time.monotonic() < deadline:
            memory.append(await asyncio.to_thread(cluster.memory))
            await asyncio.sleep(1)

    async def all_of_them(cluster, figures, memory):
        client = connect(cluster)
        model = (await client.models.list()).data[0].id
        deadline = time.monotonic() + MINUTES * 60
        crowd = [one(client, model, random.Random(SEED + index), deadline, figures)
                 for index in range(STREAMS)]
        await asyncio.gather(watch(cluster, deadline, memory), *crowd)
        await client.close()

    with Cluster(running_jobs=16, context_length=512) as cluster:
        figures = {"answers": 0, "tokens": 0, "longest": 0.0, "firsts": [], "gaps": []}
        memory = []
        with Prober(cluster.url) as prober:
            asyncio.run(all_of_them(cluster, figures, memory))
        wait_until(lambda: rested(cluster), "no job is left")
        milliseconds = {
            name: [round(1000 * percentile(figures[name], share)) for share in (0.5, 0.99)]
            for name in ("firsts", "gaps")
        }
        warm = memory[len(memory) // 3:]
        print(
            f"{STREAMS} streams, {MINUTES:g} min: {figures['answers']} answers, "
            f"{figures['tokens'] / (MINUTES * 60):.0f} tokens/s; first token p50/p99 "
            f"{milliseconds['firsts']} ms, next {milliseconds['gaps']} ms; /health p50/p99/longest "
            f"{[round(figure) for figure in prober.milliseconds()]} ms; coordinator {warm[0]} to "
            f"{warm[-1]} KiB (seed {SEED})"
        )
        assert figures["answers"] >= STREAMS, "hardly anything was answered"
        assert statistics.median(warm[-5:]) < 1.1 * statistics.median(warm[:5]) + 8192, warm


def visits():
    """VISITS clients come and go at random; no job, slot or descriptor is left behind."""

    async def visit(client, model, chance, gate):
        async with gate:
            patience = chance.choice([0.0, 0.001, 0.01, 0.1, 1.0, 10.0])
            stream = chance.random() < 0.7
            call = client.completions.create(
                model=model, prompt=chance.choice(PROMPTS), max_tokens=chance.randrange(1, 200),
                n=chance.choice([1, 1, 2]), stream=stream,
            )
            try:
                async with asyncio.timeout(patience):
                    answer = await call
                    if stream:
                        async for _ in answer:
                            if chance.random() < 0.05:
                                break
                        await answer.close()
            except (TimeoutError, openai.APITimeoutError):
                return "left"
            except openai.InternalServerError as failure:
                assert failure.status_code == 503, failure
                return "refused"
            return "answered"

    async def all_of_them(cluster):
        client = connect(cluster)
        model = (await client.models.list()).data[0].id
        gate = asyncio.Semaphore(100)
        results = await asyncio.gather(*[
            visit(client, model, random.Random(SEED + index), gate) for index in range(VISITS)
        ])
        await client.close()
        return {result: results.count(result) for result in sorted(set(results))}

    with Cluster(running_jobs=16, queued_jobs=64, context_length=512) as cluster:
        cluster.get("/health")
        before = cluster.descriptors()
        counts = asyncio.run(all_of_them(cluster))
        wait_until(lambda: rested(cluster), "no job is left")
        wait_until(lambda: cluster.descriptors() <= before + 2, "no descriptor is left")
        busy = [slot for slot in cluster.json("/slots") if slot["is_processing"]]
        assert not busy, busy
        print(f"{VISITS} visits (seed {SEED}): {counts}; descriptors {before} before, "
              f"{cluster.descriptors()} after")
