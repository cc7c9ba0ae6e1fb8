// What the tap itself costs in the page, in the page's own kind of JavaScript engine: frames with
// an answer that grows go through it, and the time in it is added up.
//
// Usage: node tap.mjs FOLDER UPDATES, with the folder of the page's scripts. Prints
// {cpu_us, emitted}.

import { readFileSync } from "node:fs";

const [folder, updates] = [process.argv[2], Number(process.argv[3])];
/** What one update adds, in characters. */
const PIECE = "ravens and more of them, ".repeat(40);

const listeners = [];
class Target {
  addEventListener(kind, listener) {
    if (kind === "message") listeners.push(listener);
  }
}
let emitted = 0;
globalThis.window = globalThis;
globalThis.document = new Target();
globalThis.WebSocket = class extends Target {
  url = "wss://tch1.tch.example.org/up/box/updates";
};
const reply = {
  data: {
    messageEdgeCreate: {
      status: "success",
      chat: { chatId: 1, chatCode: "c" },
      message: { node: { messageId: 1, author: "human" } },
      botMessage: { node: { messageId: 2, author: "bot" } },
    },
  },
};
globalThis.fetch = async () => new Response(JSON.stringify(reply));
globalThis.location = { pathname: "/GPT-4" };
const [tap, share] = ["tap.js", "share.js"].map((file) =>
  (0, eval)(readFileSync(`${folder}/${file}`, "utf8")),
);
const emit = (message) => (emitted += JSON.stringify(message).length);
tap(emit, { chatPath: "/chat/" }, share({ name: null }));

new window.WebSocket();
const body = JSON.stringify({ queryName: "SendMessageMutation", variables: { clientNonce: "n", chatId: null } });
await window.fetch("/api/gql_POST", { method: "POST", body });
await new Promise((resolve) => setTimeout(resolve, 50));

const frame = (at, state) => {
  const messageAdded = { messageId: 2, author: "bot", state, text: PIECE.repeat(at) };
  const payload = { subscription_name: "messageAdded", unique_id: "messageAdded:1", data: { messageAdded } };
  const entry = JSON.stringify({ message_type: "subscriptionUpdate", payload });
  return JSON.stringify({ messages: [entry], min_seq: at });
};

let spent = 0;
for (let at = 1; at <= updates; at += 1) {
  // In one piece, as a socket brings it; what `stringify` makes is put together when first read.
  const data = Buffer.from(frame(at, at === updates ? "complete" : "incomplete")).toString();
  const begin = performance.now();
  for (const listener of listeners) listener({ data, stopImmediatePropagation() {} });
  spent += performance.now() - begin;
}
if (emitted < updates * PIECE.length) throw new Error("the tap told too little");
console.log(JSON.stringify({ cpu_us: Math.round(spent * 1000), emitted }));
