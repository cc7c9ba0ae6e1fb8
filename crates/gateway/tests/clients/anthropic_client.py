"""Anthropic's Python client against the server, whose provider follows the words of the prompt."""

import base64
import sys

import anthropic
from anthropic import Anthropic

url, bad_key_url = sys.argv[1:3]
client = Anthropic(base_url=url, api_key="anything", max_retries=0)
TEXT = "Once upon a midnight dreary 🐦‍⬛, “while” I pondered."
TOOLS = [
    {
        "name": "weather",
        "description": "Tells the weather.",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
]


def ask(content, **more):
    messages = [{"role": "user", "content": content}]
    return dict(model="raven", max_tokens=1000, messages=messages) | more


def models():
    assert [model.id for model in client.models.list()] == ["raven", "family/crow"]
    one = client.models.retrieve("family/crow")
    assert (one.display_name, one.lifecycle) == ("family/crow", "active"), one


def messages():
    message = client.messages.create(**ask("Hello", system="Be brief."))
    assert message.content[0].text == TEXT and message.stop_reason == "end_turn", message
    assert message.usage.output_tokens > 0 and message._request_id.startswith("req_")
    message = client.messages.create(**ask("Hello", stop_sequences=["dreary"]))
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "dreary")
    message = client.messages.create(**ask("Hello") | {"max_tokens": 2})
    assert message.stop_reason == "max_tokens"
    count = client.messages.count_tokens(model="raven", messages=ask("four words")["messages"])
    assert count.input_tokens == 3


def streaming():
    with client.messages.stream(**ask("Hello")) as stream:
        assert "".join(stream.text_stream) == TEXT
        final = stream.get_final_message()
    assert final.content[0].text == TEXT and final.usage.output_tokens > 0
    names = [event.type for event in client.messages.create(**ask("Hello"), stream=True)]
    assert names[0] == "message_start" and names[-1] == "message_stop", names


def tools():
    message = client.messages.create(**ask("[call]", tools=TOOLS))
    call = message.content[1]
    assert message.stop_reason == "tool_use" and call.input == {"city": "Köln"}, message
    asked = ask("[call]", tools=TOOLS)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "rain"}
    asked["messages"] += [
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": [result]},
    ]
    assert client.messages.create(**asked).content[0].text == "It is raining."
    with client.messages.stream(**ask("[call]", tools=TOOLS)) as stream:
        final = stream.get_final_message()
    assert final.content[0].text == "I look." and final.content[1].input == {"city": "Köln"}


def images():
    data = base64.b64encode(b"\x89PNG").decode()
    source = {"type": "base64", "media_type": "image/png", "data": data}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    assert client.messages.create(**ask(content)).content[0].text == "I see a file."


def thoughts():
    wants = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    message = client.messages.create(**ask("[think]", **wants) | {"max_tokens": 2000})
    thought, text = message.content
    assert (thought.type, thought.thinking, thought.signature) == ("thinking", "Let me see.", "")
    assert text.text == "42"
    with client.messages.stream(**ask("[think]", **wants) | {"max_tokens": 2000}) as stream:
        events = list(stream)
        final = stream.get_final_message()
    assert "".join(e.thinking for e in events if e.type == "thinking") == "Let me see."
    assert [block.type for block in final.content] == ["thinking", "text"], final
    # They go back as they came.
    asked = ask("[think]", **wants) | {"max_tokens": 2000}
    asked["messages"] += [
        {"role": "assistant", "content": final.content},
        {"role": "user", "content": "Hello"},
    ]
    assert client.messages.create(**asked).content[0].text == TEXT
    # Who has not asked for them sees none.
    assert client.messages.create(**ask("[think]")).content[0].text == "42"


def errors():
    statuses = {"bot": 502, "browser": 503, "timeout": 504}
    for kind, error_type in [
        ("invalid_request", anthropic.BadRequestError),
        ("not_signed_in", anthropic.AuthenticationError),
        ("no_access", anthropic.PermissionDeniedError),
        ("unsupported_model", anthropic.NotFoundError),
        ("quota", anthropic.RateLimitError),
        ("bot", anthropic.InternalServerError),
        ("browser", anthropic.InternalServerError),
        ("timeout", anthropic.InternalServerError),
    ]:
        for more in ({}, {"stream": True}):
            try:
                client.messages.create(**ask(f"[fail {kind}]"), **more)
                raise AssertionError(f"{kind}: no error")
            except error_type as error:
                assert error.body["error"]["message"], error
                assert error.status_code == statuses.get(kind, error.status_code), error
    try:
        for _ in client.messages.create(**ask("[break]"), stream=True):
            pass
        raise AssertionError("no error")
    except anthropic.APIError as error:
        assert "it failed" in str(error), error
    try:
        Anthropic(base_url=bad_key_url, api_key="wrong", max_retries=0).models.list()
        raise AssertionError("let in")
    except anthropic.AuthenticationError:
        pass


def leaving():
    stream = client.messages.create(**ask("[endless]"), stream=True)
    for count, _ in enumerate(stream):
        if count == 5:
            break
    stream.close()


for check in [models, messages, streaming, tools, images, thoughts, errors, leaving]:
    check()
    print(check.__name__, flush=True)
