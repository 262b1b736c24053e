"""What PyPI's openai, the client that most people use, makes of our answers."""

import threading

import openai
from cluster import Cluster, wait_until

PROMPT = "NAME\n       ls - "
KEYS = ["alice alice-0123456789abcdef", "bob bob-0123456789abcdefgh"]


def client(cluster, key="none", retries=0):
    return openai.OpenAI(base_url=cluster.url + "/v1", api_key=key, max_retries=retries)


def expect(error, call):
    """The call fails in that way; gives the error."""
    try:
        call()
    except error as failure:
        assert type(failure) is error, f"{type(failure)} instead of {error}"
        return failure
    raise AssertionError(f"no {error.__name__}")


def models():
    with Cluster() as cluster:
        listed = client(cluster).models.list().data
        assert len(listed) == 1 and listed[0].object == "model"
        assert client(cluster).models.retrieve(listed[0].id).id == listed[0].id
        expect(openai.NotFoundError, lambda: client(cluster).models.retrieve("gpt-9"))


def completions():
    with Cluster() as cluster:
        ours = client(cluster)
        model = ours.models.list().data[0].id
        whole = ours.completions.create(
            model=model, prompt=PROMPT, max_tokens=16, temperature=0, seed=1
        )
        assert whole.choices[0].finish_reason == "length"
        assert whole.usage.completion_tokens == 16
        assert whole.usage.total_tokens == whole.usage.prompt_tokens + 16
        assert whole.system_fingerprint.startswith("moiety-")
        pieces = list(ours.completions.create(
            model=model, prompt=PROMPT, max_tokens=16, temperature=0, stream=True,
            stream_options={"include_usage": True},
        ))
        text = "".join(choice.text for piece in pieces for choice in piece.choices)
        assert text == whole.choices[0].text, (text, whole.choices[0].text)
        assert pieces[-1].usage.completion_tokens == 16
        several = ours.completions.create(
            model=model, prompt=[PROMPT, PROMPT], max_tokens=4, n=2, temperature=0
        )
        assert [choice.index for choice in several.choices] == [0, 1, 2, 3]
        assert all(text.startswith(choice.text) for choice in several.choices)


def errors():
    with Cluster(queued_jobs=0, running_jobs=1) as cluster:
        ours = client(cluster)
        model = ours.models.list().data[0].id

        def ask(**fields):
            given = {"model": model, "prompt": PROMPT, "max_tokens": 4} | fields
            return ours.completions.create(**given)

        assert expect(openai.NotFoundError, lambda: ask(model="gpt-9")).code == "model_not_found"
        for field, value in [("temperature", 3), ("top_p", -1), ("max_tokens", 0), ("n", 1000),
                             ("logit_bias", {"1": 101}), ("best_of", 5), ("echo", True)]:
            failure = expect(openai.BadRequestError, lambda: ask(**{field: value}))
            assert failure.param == field and failure.type == "invalid_request_error", failure
        failure = expect(openai.BadRequestError, lambda: ask(prompt="word " * 20_000))
        assert failure.code == "context_length_exceeded"
        stream = ask(max_tokens=100_000, stream=True)
        next(iter(stream))
        failure = expect(openai.InternalServerError, ask)
        assert failure.status_code == 503 and failure.response.headers["retry-after"] == "1"
        stream.close()
        wait_until(lambda: cluster.metric("num_requests_running") == 0, "the job is cancelled")
        # Clients that try again get through.
        assert client(cluster, retries=5).completions.create(
            model=model, prompt=PROMPT, max_tokens=1
        ).choices


def keys():
    with Cluster(keys=KEYS, api_key_jobs=1) as cluster:
        for key in ["none", "alice", "alice-0123456789abcdee"]:
            expect(openai.AuthenticationError, client(cluster, key).models.list)
        alice, bob = (client(cluster, line.split()[1]) for line in KEYS)
        model = alice.models.list().data[0].id
        stream = alice.completions.create(
            model=model, prompt=PROMPT, max_tokens=100_000, stream=True
        )
        next(iter(stream))

        def ask(who):
            return who.completions.create(model=model, prompt=PROMPT, max_tokens=1)

        expect(openai.RateLimitError, lambda: ask(alice))
        assert ask(bob).choices
        stream.close()


def parallel():
    """Answers of one seed are the same, however many are computed at once."""
    with Cluster() as cluster:
        ours = client(cluster)
        model = ours.models.list().data[0].id
        texts = []

        def ask():
            answer = ours.completions.create(
                model=model, prompt=PROMPT, max_tokens=24, temperature=1, seed=7
            )
            texts.append(answer.choices[0].text)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(texts) == 8 and len(set(texts)) == 1, texts


def tests():
    return [models, completions, errors, keys, parallel]
