// OpenAI's JavaScript client against the program on the local site, which follows the prompt's
// words.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [, , url, modules] = process.argv;
const { default: OpenAI } = createRequire(`${modules}/`)("openai");
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "anything", maxRetries: 0 });
const parameters = { type: "object", properties: { city: { type: "string" } } };
const user = (content) => ({ role: "user", content });
const say = (text) => `OpenAI in JavaScript? [[sim: say=${text}]]`;
const model = "gpt-4";
const rain = "rain [[sim: say=It is raining.]]";

async function chat() {
  const messages = [user(say("Quoth the raven 🐦‍⬛: “Nevermore”."))];
  const stream = client.chat.completions.stream({ model, messages });
  assert.equal(await stream.finalContent(), "Quoth the raven 🐦‍⬛: “Nevermore”.");
  messages.push(await stream.finalMessage(), user(say("Never.")));
  const later = await client.chat.completions.create({ model, messages });
  assert.equal(later.choices[0].message.content, "Never.");
}

async function tools() {
  for (const stream of [false, true]) {
    const runner = client.chat.completions.runTools({
      model,
      messages: [user(say('I look.\n<tool_call>{"name":"weather"}</tool_call>'))],
      stream,
      tools: [
        {
          type: "function",
          function: { name: "weather", parameters, parse: JSON.parse, function: () => rain },
        },
      ],
    });
    assert.equal(await runner.finalContent(), "It is raining.");
    assert.equal(await runner.finalFunctionToolCallResult(), rain);
  }
}

async function responses() {
  const first = await client.responses.create({ model, input: say("Once.") });
  assert.equal(first.output_text, "Once.");
  const asked = { model, input: say("Twice."), previous_response_id: first.id };
  const later = await client.responses.stream(asked).finalResponse();
  assert.equal(later.output_text, "Twice.");
  assert.equal(later.lenore.chat, first.lenore.chat);
}

async function images() {
  const image = `data:image/png;base64,${Buffer.from("\x89PNG\r\n\x1a\n", "latin1").toString("base64")}`;
  const content = [
    { type: "text", text: say("A raven.") },
    { type: "image_url", image_url: { url: image } },
  ];
  const answer = await client.chat.completions.create({ model, messages: [user(content)] });
  assert.equal(answer.choices[0].message.content, "A raven.");
}

async function errors() {
  for (const stream of [false, true]) {
    const messages = [user("JavaScript? [[sim: status=reached_limit]]")];
    await assert.rejects(client.chat.completions.create({ model, messages, stream }), { status: 429 });
  }
}

async function leaving() {
  const messages = [user("JavaScript? [[sim: length=50000, chunks=2500, gap=20]]")];
  const stream = await client.chat.completions.create({ model, messages, stream: true });
  let count = 0;
  for await (const _ of stream) {
    count += 1;
    if (count === 5) break;
  }
}

for (const check of [chat, tools, responses, images, errors, leaving]) {
  await check();
  console.log(check.name);
}
