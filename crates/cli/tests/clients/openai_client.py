"""OpenAI's Python client against the program on the local site, which follows the prompt's words."""

import base64
import json
import sys

import openai
from openai import OpenAI

client = OpenAI(base_url=f"{sys.argv[1]}/v1", api_key="anything", max_retries=0)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
# As bots write calls, none of them as clients send them back.
CALLS = [
    '<tool_call>{"name":"weather"}</tool_call>',
    'I look.\n<tool_call>\n{"name": "weather"}\n</tool_call>',
]
RAIN = "rain [[sim: say=It is raining.]]"
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


def user(content):
    return {"role": "user", "content": content}


def say(text):
    return f"OpenAI in Python? [[sim: say={text}]]"


def chat_of(answer):
    return answer.model_extra["lenore"]["chat"]


def ask(messages, **more):
    return client.chat.completions.create(model="gpt-4", messages=messages, **more)


def models():
    assert "gpt-4" in [model.id for model in client.models.list()]


def chat():
    messages = [user(say("Quoth the raven 🐦‍⬛: “Nevermore”."))]
    answer = ask(messages)
    assert answer.choices[0].message.content == "Quoth the raven 🐦‍⬛: “Nevermore”.", answer
    messages += [answer.choices[0].message, user(say("Never."))]
    later = ask(messages)
    assert later.choices[0].message.content == "Never."
    assert chat_of(later) == chat_of(answer)


def streaming():
    messages = [user("Crows in Python? [[sim: rewrite]]")]
    text = ""
    for chunk in ask(messages, stream=True, stream_options={"include_usage": True}):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            if choice.finish_reason:
                notes = chunk.model_extra["lenore"]
    assert notes["rewritten"] and chunk.usage.total_tokens > 0, chunk
    # The client has the draft, too; the conversation goes on all the same.
    messages += [{"role": "assistant", "content": text}, user(say("So be it."))]
    later = ask(messages)
    assert later.choices[0].message.content == "So be it."
    assert chat_of(later) == notes["chat"]


def tools():
    tool = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
    for written in CALLS:
        messages = [user(say(written))]
        with client.chat.completions.stream(model="gpt-4", messages=messages, tools=[tool]) as stream:
            for _ in stream:
                pass
            called = stream.get_final_completion()
        message = called.choices[0].message
        call = message.tool_calls[0]
        assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {})
        result = {"role": "tool", "tool_call_id": call.id, "content": RAIN}
        answer = ask([*messages, message.model_dump(exclude_none=True), result], tools=[tool])
        assert answer.choices[0].message.content == "It is raining.", answer


def mending():
    tool = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
    for more, written in [
        # A tool that is not offered; the bot is asked to mend that, and then it is text.
        ({"tools": [tool]}, '<tool_call>{"name":"clock"}</tool_call>'),
        ({"response_format": {"type": "json_object"}}, "```json\n{}\n```"),
    ]:
        messages = [user(say(written))]
        answer = ask(messages, **more)
        assert answer.choices[0].finish_reason == "stop", answer
        messages += [answer.choices[0].message, user(say("{}"))]
        later = ask(messages, **more)
        assert later.choices[0].message.content == "{}", later
        assert chat_of(later) == chat_of(answer)


def responses():
    response = client.responses.create(model="gpt-4", input=say("Once."))
    assert (response.status, response.output_text) == ("completed", "Once."), response
    with client.responses.stream(
        model="gpt-4", input=say("Twice."), previous_response_id=response.id
    ) as stream:
        names = [event.type for event in stream]
        later = stream.get_final_response()
    assert later.output_text == "Twice." and names[-1] == "response.completed", names
    assert chat_of(later) == chat_of(response)
    tool = {"type": "function", "name": "weather", "strict": False, "parameters": SCHEMA}
    for written in CALLS:
        asked = [user(say(written))]
        response = client.responses.create(model="gpt-4", input=asked, tools=[tool])
        call = next(item for item in response.output if item.type == "function_call")
        asked += [item.model_dump(exclude_none=True) for item in response.output]
        asked += [{"type": "function_call_output", "call_id": call.call_id, "output": RAIN}]
        later = client.responses.create(model="gpt-4", input=asked, tools=[tool])
        assert later.output_text == "It is raining.", later
        assert chat_of(later) == chat_of(response)


def images():
    words = {"type": "text", "text": say("A raven.")}
    answer = ask([user([words, {"type": "image_url", "image_url": {"url": PNG}}])])
    assert answer.choices[0].message.content == "A raven."


def errors():
    for words, kind, status in [
        ("status=reached_limit", openai.RateLimitError, 429),
        ("status=too_many_tokens", openai.BadRequestError, 400),
        ("status=no_access", openai.PermissionDeniedError, 403),
    ]:
        for stream in (False, True):
            try:
                ask([user(f"Python? [[sim: {words}]]")], stream=stream)
                raise AssertionError(f"{words}: no error")
            except kind as error:
                assert error.status_code == status and error.message, error
    try:
        client.chat.completions.create(model="poe/NoSuchBotAtAll", messages=[user("Python?")])
        raise AssertionError("no error")
    except openai.NotFoundError as error:
        assert error.status_code == 404, error


def leaving():
    stream = ask([user("Python? [[sim: length=50000, chunks=2500, gap=20]]")], stream=True)
    for count, _ in enumerate(stream):
        if count == 5:
            break
    stream.close()


for check in [models, chat, streaming, tools, mending, responses, images, errors, leaving]:
    check()
    print(check.__name__, flush=True)
