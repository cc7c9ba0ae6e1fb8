"""Anthropic's Python client against the program on the local site, which follows the prompt's words."""

import base64
import sys

import anthropic
from anthropic import Anthropic

client = Anthropic(base_url=sys.argv[1], api_key="anything", max_retries=0)
TOOL = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}
# As bots write calls, none of them as clients send them back.
CALLS = [
    '<tool_call>{"name":"weather"}</tool_call>',
    'I look.\n<tool_call>\n{"name": "weather"}\n</tool_call>',
]
RAIN = "rain [[sim: say=It is raining.]]"


def user(content):
    return {"role": "user", "content": content}


def say(text):
    return f"Anthropic in Python? [[sim: say={text}]]"


def asked(messages, **more):
    return {"model": "gpt-4", "max_tokens": 1000, "messages": messages, **more}


def chat_of(message):
    return message.model_extra["lenore"]["chat"]


def turn(message):
    content = [block.model_dump(exclude_none=True) for block in message.content]
    return {"role": "assistant", "content": content}


def models():
    assert "gpt-4" in [model.id for model in client.models.list()]


def messages():
    conversation = [user(say("Quoth the raven 🐦‍⬛: “Nevermore”."))]
    message = client.messages.create(**asked(conversation, system="Be brief."))
    assert message.content[0].text == "Quoth the raven 🐦‍⬛: “Nevermore”.", message
    conversation += [turn(message), user(say("Never."))]
    later = client.messages.create(**asked(conversation, system="Be brief."))
    assert later.content[0].text == "Never." and chat_of(later) == chat_of(message)


def streaming():
    with client.messages.stream(**asked([user(say("Once upon a midnight."))])) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text == "Once upon a midnight." and message.stop_reason == "end_turn", message


def tools():
    for written in CALLS:
        conversation = [user(say(written))]
        with client.messages.stream(**asked(conversation, tools=[TOOL])) as stream:
            for _ in stream:
                pass
            message = stream.get_final_message()
        call = next(block for block in message.content if block.type == "tool_use")
        assert (message.stop_reason, call.name, call.input) == ("tool_use", "weather", {}), message
        result = {"type": "tool_result", "tool_use_id": call.id, "content": RAIN}
        conversation += [turn(message), user([result])]
        later = client.messages.create(**asked(conversation, tools=[TOOL]))
        assert later.content[0].text == "It is raining.", later


def images():
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
    source = {"type": "base64", "media_type": "image/png", "data": data}
    content = [{"type": "image", "source": source}, {"type": "text", "text": say("A raven.")}]
    assert client.messages.create(**asked([user(content)])).content[0].text == "A raven."


def errors():
    for words, kind, status in [
        ("status=reached_limit", anthropic.RateLimitError, 429),
        ("status=too_many_tokens", anthropic.BadRequestError, 400),
        ("status=no_access", anthropic.PermissionDeniedError, 403),
    ]:
        for stream in (False, True):
            try:
                client.messages.create(**asked([user(f"Claude? [[sim: {words}]]")]), stream=stream)
                raise AssertionError(f"{words}: no error")
            except kind as error:
                assert error.status_code == status, error
                assert error.body["error"]["message"], error


def leaving():
    words = "Claude? [[sim: length=50000, chunks=2500, gap=20]]"
    stream = client.messages.create(**asked([user(words)]) | {"max_tokens": 100_000}, stream=True)
    for count, _ in enumerate(stream):
        if count == 5:
            break
    stream.close()


for check in [models, messages, streaming, tools, images, errors, leaving]:
    check()
    print(check.__name__, flush=True)
