"""OpenAI's Python client against the server, whose provider follows the words of the prompt."""

import base64
import json
import sys

import openai
from openai import OpenAI

url, bad_key_url = sys.argv[1:3]
client = OpenAI(base_url=f"{url}/v1", api_key="anything", max_retries=0)
TEXT = "Once upon a midnight dreary 🐦‍⬛, “while” I pondered."
WEATHER = {
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


def user(content):
    return [{"role": "user", "content": content}]


def models():
    assert [model.id for model in client.models.list()] == ["raven", "family/crow"]
    assert client.models.retrieve("family/crow").owned_by == "fake"
    try:
        client.models.retrieve("no-such-model")
        raise AssertionError("found")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found", error


def chat():
    answer = client.chat.completions.create(model="raven", messages=user("Hello"))
    assert answer.choices[0].message.content == TEXT, answer
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens > 0
    assert answer._request_id.startswith("req_")
    raw = client.chat.completions.with_raw_response.create(
        model="raven", messages=user("Hello"), temperature=0.5, seed=1
    )
    assert raw.headers["x-lenore-ignored"] == "seed,temperature", raw.headers


def streaming():
    stream = client.chat.completions.create(
        model="raven", messages=user("Hello"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == TEXT, text
    assert chunks[-1].usage.completion_tokens > 0
    assert chunks[-1].lenore["rewritten"] is False, chunks[-1]
    with client.chat.completions.stream(model="raven", messages=user("Hello")) as stream:
        for _ in stream:
            pass
        assert stream.get_final_completion().choices[0].message.content == TEXT
    answer = client.chat.completions.create(model="raven", messages=user("Hi"), stop=["midnight"])
    assert answer.choices[0].message.content == "Once upon a "
    answer = client.chat.completions.create(model="raven", messages=user("Hi"), max_tokens=2)
    assert answer.choices[0].finish_reason == "length"
    assert len(client.chat.completions.create(model="raven", messages=user("Hi"), n=3).choices) == 3


def legacy():
    answer = client.completions.create(model="raven", prompt="Hello")
    assert answer.choices[0].text == TEXT
    chunks = list(client.completions.create(model="raven", prompt="Hello", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == TEXT


def tools():
    messages = user("[call]")
    asked = dict(model="raven", tools=[{"type": "function", "function": WEATHER}])
    answer = client.chat.completions.create(messages=messages, **asked)
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls"
    call = message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Köln"})
    messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
    answer = client.chat.completions.create(messages=messages, **asked)
    assert answer.choices[0].message.content == "It is raining."
    with client.chat.completions.stream(messages=user("[call]"), **asked) as stream:
        names = [event.type for event in stream]
        final = stream.get_final_completion().choices[0].message
    assert "tool_calls.function.arguments.done" in names, names
    assert json.loads(final.tool_calls[0].function.arguments) == {"city": "Köln"}


def formats():
    from pydantic import BaseModel

    class Bird(BaseModel):
        name: str
        wings: int

    answer = client.chat.completions.parse(
        model="raven", messages=user("[json]"), response_format=Bird
    )
    assert answer.choices[0].message.parsed == Bird(name="raven", wings=2)
    response = client.responses.parse(model="raven", input="[json]", text_format=Bird)
    assert response.output_parsed == Bird(name="raven", wings=2)


def images():
    data = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": data}},
        {"type": "file", "file": {"file_data": data, "filename": "a.png"}},
    ]
    answer = client.chat.completions.create(model="raven", messages=user(content))
    assert answer.choices[0].message.content == "I see a file."
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": data, "detail": "auto"},
    ]
    response = client.responses.create(model="raven", input=user(content))
    assert response.output_text == "I see a file."


def responses():
    response = client.responses.create(model="raven", input="Hello", instructions="Be brief.")
    assert response.status == "completed" and response.output_text == TEXT, response
    assert response.usage.total_tokens > 0
    later = client.responses.create(
        model="raven", input="And?", previous_response_id=response.id
    )
    assert later.previous_response_id == response.id
    with client.responses.stream(model="raven", input="Hello") as stream:
        names = [event.type for event in stream]
        assert stream.get_final_response().output_text == TEXT
    assert names[0] == "response.created" and names[-1] == "response.completed", names
    tool = {"type": "function", "strict": True, **WEATHER}
    with client.responses.stream(model="raven", input="[call]", tools=[tool]) as stream:
        names = [event.type for event in stream]
        call = stream.get_final_response().output[1]
    assert "response.function_call_arguments.done" in names
    assert json.loads(call.arguments) == {"city": "Köln"}
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    response = client.responses.create(model="raven", input=user("[call]") + [call, output])
    assert response.output_text == "It is raining."


def thoughts():
    answer = client.chat.completions.create(model="raven", messages=user("[think]"))
    message = answer.choices[0].message
    assert (message.content, message.reasoning_content) == ("42", "Let me see."), message
    stream = client.chat.completions.create(
        model="raven", messages=user("[think]"), stream=True
    )
    deltas = [chunk.choices[0].delta for chunk in stream]
    thought = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
    text = "".join(delta.content or "" for delta in deltas)
    assert (text, thought) == ("42", "Let me see."), deltas
    with client.responses.stream(model="raven", input="[think]") as stream:
        events = list(stream)
        response = stream.get_final_response()
    thought = "".join(e.delta for e in events if e.type == "response.reasoning_text.delta")
    assert thought == "Let me see." and response.output_text == "42", response
    assert [item.type for item in response.output] == ["reasoning", "message"], response
    assert response.output[0].content[0].text == thought
    assert response.usage.output_tokens_details.reasoning_tokens > 0
    # It goes back as it came.
    response = client.responses.create(
        model="raven", input=user("[think]") + response.output + user("Hello")
    )
    assert response.output_text == TEXT


def schemas():
    pattern = r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$"
    properties = {"city": {"type": "string"}, "to": {"type": "string", "pattern": pattern}}
    weather = WEATHER | {"parameters": {"type": "object", "properties": properties}}
    choice = {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "required",
            "tools": [{"type": "function", "function": {"name": "weather"}}],
        },
    }
    answer = client.chat.completions.create(
        model="raven",
        messages=user("[call]"),
        tools=[{"type": "function", "function": weather}],
        tool_choice=choice,
    )
    assert answer.choices[0].finish_reason == "tool_calls"


def errors():
    for kind, error_type in [
        ("invalid_request", openai.BadRequestError),
        ("not_signed_in", openai.AuthenticationError),
        ("no_access", openai.PermissionDeniedError),
        ("unsupported_model", openai.NotFoundError),
        ("quota", openai.RateLimitError),
        ("bot", openai.InternalServerError),
        ("browser", openai.InternalServerError),
        ("timeout", openai.InternalServerError),
    ]:
        for stream in (False, True):
            try:
                client.chat.completions.create(
                    model="raven", messages=user(f"[fail {kind}]"), stream=stream
                )
                raise AssertionError(f"{kind}: no error")
            except error_type as error:
                assert error.message and error.code, error
    statuses = {"bot": 502, "browser": 503, "timeout": 504}
    for kind, status in statuses.items():
        # Without x-should-retry the client would ask twice more.
        eager = client.with_options(max_retries=2)
        try:
            eager.responses.create(model="raven", input=f"[fail {kind}] once")
            raise AssertionError(f"{kind}: no error")
        except openai.APIStatusError as error:
            assert error.status_code == status, error
    try:
        for _ in client.chat.completions.create(
            model="raven", messages=user("[break]"), stream=True
        ):
            pass
        raise AssertionError("no error")
    except openai.APIError as error:
        assert error.code == "answer_lost", error
    try:
        OpenAI(base_url=f"{bad_key_url}/v1", api_key="wrong", max_retries=0).models.list()
        raise AssertionError("let in")
    except openai.AuthenticationError as error:
        assert (error.code, error.type) == ("invalid_api_key", "invalid_request_error")


def leaving():
    stream = client.chat.completions.create(
        model="raven", messages=user("[endless]"), stream=True
    )
    for count, _ in enumerate(stream):
        if count == 5:
            break
    stream.close()


for check in [
    models, chat, streaming, legacy, tools, formats, images, responses, thoughts, schemas, errors,
    leaving,
]:
    check()
    print(check.__name__, flush=True)
