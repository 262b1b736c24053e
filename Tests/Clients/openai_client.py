"""What PyPI's openai, the client that most people use, makes of our answers."""

import json
import threading
import typing

import httpx
import openai
import pydantic
from cluster import TEMPLATE, Cluster, wait_until

PROMPT = "NAME\n       ls - "
KEYS = ["alice alice-0123456789abcdef", "bob bob-0123456789abcdefgh"]


class Place(pydantic.BaseModel):
    city: typing.Literal["Rome", "Oslo"]
    zone: int | None


class Review(pydantic.BaseModel):
    """What a program wants to hear, with all that pydantic makes of it."""

    mood: typing.Literal["good", "bad"]
    places: list[Place]
    sure: bool


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


def chat():
    """Conversations, whole and streamed; chat has no limit of its own but the context."""
    with Cluster(template=TEMPLATE) as cluster:
        ours = client(cluster)
        model = ours.models.list().data[0].id
        messages = [{"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "What does ls do?"}]
        whole = ours.chat.completions.create(
            model=model, messages=messages, max_completion_tokens=16, temperature=0
        )
        assert whole.choices[0].message.role == "assistant"
        assert whole.usage.completion_tokens == 16
        with ours.chat.completions.stream(
            model=model, messages=messages, max_completion_tokens=16, temperature=0,
            stream_options={"include_usage": True},
        ) as stream:
            stream.until_done()
            joined = stream.current_completion_snapshot
        assert joined.choices[0].message.content == whole.choices[0].message.content
        assert joined.usage.completion_tokens == 16


def scores():
    """Log-probabilities in both forms; biases change what is chosen, and not what is likely."""
    with Cluster(template=TEMPLATE) as cluster:
        ours = client(cluster)
        model = ours.models.list().data[0].id
        given = {"model": model, "max_tokens": 8, "temperature": 0}
        answer = ours.completions.create(prompt=PROMPT, logprobs=3, **given).choices[0]
        assert len(answer.logprobs.tokens) == 8 and "".join(answer.logprobs.tokens) == answer.text
        for token, chosen, likeliest in zip(
            answer.logprobs.tokens, answer.logprobs.token_logprobs, answer.logprobs.top_logprobs
        ):
            assert likeliest[token] == chosen == max(likeliest.values()) and len(likeliest) == 3
        messages = [{"role": "user", "content": "What does ls do?"}]
        chat = ours.chat.completions.create(
            messages=messages, logprobs=True, top_logprobs=2, **given
        ).choices[0]
        told = [(token.token, token.logprob) for token in chat.logprobs.content]
        assert "".join(token for token, _ in told) == chat.message.content
        assert all(len(token.top_logprobs) == 2 for token in chat.logprobs.content)
        with ours.chat.completions.stream(
            messages=messages, logprobs=True, top_logprobs=2, **given
        ) as stream:
            stream.until_done()
            joined = stream.current_completion_snapshot.choices[0]
        assert [(token.token, token.logprob) for token in joined.logprobs.content] == told
        tokens = json.loads(ours.post(
            cluster.url + "/tokenize", body={"content": "xyz"}, cast_to=str
        ))["tokens"]
        biased = ours.completions.create(
            prompt=PROMPT, logit_bias={str(tokens[-1]): 100}, logprobs=3, **given
        ).choices[0]
        assert len(set(biased.logprobs.tokens)) == 1
        assert biased.logprobs.top_logprobs[0].items() >= answer.logprobs.top_logprobs[0].items()
        penalized = ours.completions.create(
            prompt=PROMPT, presence_penalty=2, frequency_penalty=2, **given
        ).choices[0]
        assert penalized.text


def forms():
    """JSON objects, those of a schema, and calls of tools that must be made."""
    tools = [{"type": "function", "function": {
        "name": name, "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    }} for name in ["date", "weather"]]
    with Cluster(template=TEMPLATE) as cluster:
        ours = client(cluster)
        model = ours.models.list().data[0].id
        brace = json.loads(ours.post(
            cluster.url + "/tokenize", body={"content": "}"}, cast_to=str
        ))["tokens"][-1]
        # Helps a small model to come to an end.
        given = {"model": model, "messages": [{"role": "user", "content": "Weather?"}],
                 "max_tokens": 300, "logit_bias": {str(brace): 10}, "seed": 3}
        answer = ours.chat.completions.create(
            response_format={"type": "json_object"}, **given
        ).choices[0]
        if answer.finish_reason == "stop":
            assert isinstance(json.loads(answer.message.content), dict)
        else:
            assert answer.message.content.lstrip().startswith("{")
        try:
            answer = ours.chat.completions.parse(response_format=Review, **given).choices[0]
            assert isinstance(answer.message.parsed, Review), answer
        except openai.LengthFinishReasonError:
            # Lists and numbers may be long.
            pass
        failure = expect(openai.BadRequestError, lambda: ours.chat.completions.create(
            response_format={"type": "json_schema", "json_schema": {
                "name": "a", "schema": {"properties": {"a": {"type": "string", "pattern": "a"}}},
            }}, **given,
        ))
        assert failure.param == "response_format" and "pattern" in str(failure)
        named = {"type": "function", "function": {"name": "weather"}}
        answer = ours.chat.completions.create(tools=tools, tool_choice=named, **given).choices[0]
        (call,) = answer.message.tool_calls
        assert call.function.name == "weather", call
        if answer.finish_reason == "stop":
            assert isinstance(json.loads(call.function.arguments), dict)
        answer = ours.chat.completions.create(
            tools=tools, tool_choice="required", **given
        ).choices[0]
        if answer.finish_reason == "tool_calls":
            (call,) = answer.message.tool_calls
            assert call.function.name in ["date", "weather"], call
            assert isinstance(json.loads(call.function.arguments), dict)


def strict_tools():
    """Arguments that are held to a schema, as pydantic has it; also where the model may choose."""
    tools = [openai.pydantic_function_tool(Place, name="go"),
             openai.pydantic_function_tool(Review, name="judge")]
    with Cluster(template=TEMPLATE) as cluster:
        ours = client(cluster)
        model = ours.models.list().data[0].id
        given = {"model": model, "messages": [{"role": "user", "content": "Where to?"}],
                 "max_tokens": 300, "tools": tools}
        named = {"type": "function", "function": {"name": "go"}}
        met = 0
        for seed in range(8):
            try:
                answer = ours.chat.completions.parse(
                    tool_choice=named, seed=seed, **given
                ).choices[0]
                (call,) = answer.message.tool_calls
                assert isinstance(call.function.parsed_arguments, Place), call
                with ours.chat.completions.stream(
                    tool_choice="required", seed=seed, **given
                ) as stream:
                    answer = stream.get_final_completion().choices[0]
                (call,) = answer.message.tool_calls
                kind = {"go": Place, "judge": Review}[call.function.name]
                assert isinstance(call.function.parsed_arguments, kind), call
                met += 1
            except openai.LengthFinishReasonError:
                # Lists and numbers may be long.
                continue
        assert met > 0
        answer = ours.chat.completions.create(seed=1, **given | {"max_tokens": 16}).choices[0]
        assert answer.message.content or answer.message.tool_calls
        bad = json.loads(json.dumps(tools[0]))
        bad["function"]["parameters"]["properties"]["city"] = {"type": "string", "pattern": "a"}
        failure = expect(openai.BadRequestError, lambda: ours.chat.completions.create(
            **given | {"tools": [bad]}
        ))
        assert failure.param == "tools[0].function.parameters" and "pattern" in str(failure)


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


def tls():
    """Over HTTPS, with a certificate that the client trusts; without it, nothing."""
    with Cluster(tls=True) as cluster:
        assert cluster.url.startswith("https://")
        expect(openai.APIConnectionError, client(cluster).models.list)
        ours = openai.OpenAI(
            base_url=cluster.url + "/v1", api_key="none", max_retries=0,
            http_client=httpx.Client(verify=cluster.trust),
        )
        model = ours.models.list().data[0].id
        pieces = list(ours.completions.create(
            model=model, prompt=PROMPT, max_tokens=16, stream=True
        ))
        assert pieces[-1].choices[0].finish_reason in ("length", "stop")


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
    return [models, completions, chat, scores, forms, strict_tools, errors, keys, tls, parallel]
