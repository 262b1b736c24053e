"""Chat templates in the manner of model families, with the constructs that theirs use."""

import pathlib

HERE = pathlib.Path(__file__).parent / "Fixtures" / "chats"

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Says what the weather is.",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "description": "a town"},
                "unit": {"type": "string", "enum": ["C", "F"]},
                "days": {"type": "array", "items": {"type": "integer"}},
            },
            "required": ["place"],
        },
    },
}

PLAIN = [
    {"role": "user", "content": "Hi, who are you?"},
    {"role": "assistant", "content": "A model."},
    {"role": "user", "content": "  Thanks! "},
]
SYSTEM = [{"role": "system", "content": "Be brief.\n"}] + PLAIN
THINKING = [
    {"role": "user", "content": "2 + 2?"},
    {"role": "assistant", "content": "<think>\neasy\n</think>\n\n4"},
    {"role": "user", "content": "3 + 3?"},
    {"role": "assistant", "reasoning_content": "six", "content": "6"},
]
TOOLS = [
    {"role": "system", "content": "Use tools."},
    {"role": "user", "content": "Weather in Köln?"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "abcdefghi", "type": "function",
             "function": {"name": "weather", "arguments": {"place": "Köln", "unit": "C"}}},
        ],
    },
    {"role": "tool", "tool_call_id": "abcdefghi", "name": "weather", "content": "{\"t\": 7}"},
    {"role": "tool", "tool_call_id": "abcdefghi", "name": "weather", "content": "rain"},
    {"role": "assistant", "content": "7 degrees, rain."},
    {"role": "user", "content": "And tomorrow?"},
]
PARTS = [
    {"role": "user", "content": [
        {"type": "text", "text": "Look: "}, {"type": "image"}, {"type": "text", "text": "what?"}]},
]

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}

CONVERSATIONS = {
    "plain": {"messages": PLAIN},
    "system": {"messages": SYSTEM},
    "thinking": {"messages": THINKING},
    "tools": {"messages": TOOLS, "tools": [WEATHER]},
    "tools, none called": {"messages": SYSTEM, "tools": [WEATHER, WEATHER]},
    "parts": {"messages": PARTS},
    "nothing": {"messages": []},
}


def chats():
    for path in sorted(HERE.glob("*.jinja")):
        for name, conversation in CONVERSATIONS.items():
            for prompt in [True, False]:
                variables = {"tools": None, **conversation, **TOKENS, "add_generation_prompt": prompt}
                ending = "" if prompt else ", without a prompt to answer"
                yield ("%s: %s%s" % (path.stem, name, ending), path.read_text(), variables)
    thoughtless = {"messages": THINKING[:3], "tools": None, "add_generation_prompt": True,
                   "enable_thinking": False, **TOKENS}
    yield ("qwen3: without thinking", (HERE / "qwen3.jinja").read_text(), thoughtless)
    effort = {"messages": SYSTEM, "tools": [WEATHER], "add_generation_prompt": True,
              "reasoning_effort": "high", **TOKENS}
    yield ("gpt-oss: high effort", (HERE / "gpt-oss.jinja").read_text(), effort)


CHATS = list(chats())
