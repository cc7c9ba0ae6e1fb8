// OpenAI's JavaScript client against the server, whose provider follows the words of the prompt.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [, , url, badKeyUrl, modules] = process.argv;
const { default: OpenAI } = createRequire(`${modules}/`)("openai");
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "anything", maxRetries: 0 });
const TEXT = "Once upon a midnight dreary 🐦‍⬛, “while” I pondered.";
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const user = (content) => [{ role: "user", content }];

async function models() {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.deepEqual(ids, ["raven", "family/crow"]);
  assert.equal((await client.models.retrieve("family/crow")).object, "model");
}

async function chat() {
  const answer = await client.chat.completions.create({ model: "raven", messages: user("Hello") });
  assert.equal(answer.choices[0].message.content, TEXT);
  const stream = await client.chat.completions.create({
    model: "raven",
    messages: user("Hello"),
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, TEXT);
  assert.ok(usage.total_tokens > 0);
  const helper = client.chat.completions.stream({ model: "raven", messages: user("Hello") });
  assert.equal(await helper.finalContent(), TEXT);
}

async function tools() {
  const runner = client.chat.completions.runTools({
    model: "raven",
    messages: user("[call]"),
    stream: true,
    tools: [
      {
        type: "function",
        function: {
          name: "weather",
          description: "Tells the weather.",
          parameters,
          parse: JSON.parse,
          function: ({ city }) => `rain in ${city}`,
        },
      },
    ],
  });
  assert.equal(await runner.finalContent(), "It is raining.");
  assert.match(await runner.finalFunctionToolCallResult(), /Köln/);
}

async function images() {
  const url = `data:image/png;base64,${Buffer.from("PNG").toString("base64")}`;
  const content = [{ type: "text", text: "?" }, { type: "image_url", image_url: { url } }];
  const answer = await client.chat.completions.create({ model: "raven", messages: user(content) });
  assert.equal(answer.choices[0].message.content, "I see a file.");
}

async function responses() {
  const response = await client.responses.create({ model: "raven", input: "Hello" });
  assert.equal(response.output_text, TEXT);
  const stream = client.responses.stream({ model: "raven", input: "Hello" });
  const names = [];
  for await (const event of stream) names.push(event.type);
  assert.equal(names.at(0), "response.created");
  assert.equal(names.at(-1), "response.completed");
  assert.equal((await stream.finalResponse()).output_text, TEXT);
  const tool = { type: "function", name: "weather", parameters, strict: false };
  const called = await client.responses.create({ model: "raven", input: "[call]", tools: [tool] });
  assert.deepEqual(JSON.parse(called.output[1].arguments), { city: "Köln" });
}

async function thoughts() {
  const asked = { model: "raven", messages: user("[think]") };
  const { message } = (await client.chat.completions.create(asked)).choices[0];
  assert.deepEqual([message.content, message.reasoning_content], ["42", "Let me see."]);
  const helper = client.chat.completions.stream(asked);
  assert.equal(await helper.finalContent(), "42");
  const stream = client.responses.stream({ model: "raven", input: "[think]" });
  let thought = "";
  for await (const event of stream) {
    if (event.type === "response.reasoning_text.delta") thought += event.delta;
  }
  const response = await stream.finalResponse();
  assert.equal(thought, "Let me see.");
  assert.equal(response.output_text, "42");
  assert.equal(response.output[0].content[0].text, thought);
}

async function errors() {
  const kinds = {
    invalid_request: 400,
    not_signed_in: 401,
    no_access: 403,
    unsupported_model: 404,
    rate_limited: 429,
    bot: 502,
    browser: 503,
    timeout: 504,
  };
  for (const [kind, status] of Object.entries(kinds)) {
    for (const stream of [false, true]) {
      const asked = { model: "raven", messages: user(`[fail ${kind}]`), stream };
      await assert.rejects(client.chat.completions.create(asked), { status });
    }
  }
  const eager = client.withOptions({ maxRetries: 2 });
  const asked = { model: "raven", input: "[fail bot] once" };
  await assert.rejects(eager.responses.create(asked), { status: 502 });
  const broken = await client.chat.completions.create({
    model: "raven",
    messages: user("[break]"),
    stream: true,
  });
  await assert.rejects(async () => {
    for await (const _ of broken);
  }, { code: "answer_lost" });
  const stranger = new OpenAI({ baseURL: `${badKeyUrl}/v1`, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(stranger.models.list(), { status: 401 });
}

async function leaving() {
  const stream = await client.chat.completions.create({
    model: "raven",
    messages: user("[endless]"),
    stream: true,
  });
  let count = 0;
  for await (const _ of stream) {
    count += 1;
    if (count === 5) break;
  }
}

for (const check of [models, chat, tools, images, responses, thoughts, errors, leaving]) {
  await check();
  console.log(check.name);
}
