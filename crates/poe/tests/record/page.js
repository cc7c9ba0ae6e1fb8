// A page as the recorder finds it, with somebody's words wherever a page can have any.
"use strict";
globalThis.window = globalThis;
globalThis.emitted = [];

class Target {
  #listeners = new Map();
  addEventListener(kind, listener) {
    this.#listeners.set(kind, [...(this.#listeners.get(kind) ?? []), listener]);
  }
  tell(kind, event = {}) {
    for (const listener of this.#listeners.get(kind) ?? []) listener.call(this, event);
  }
}

const events = new Target();
globalThis.addEventListener = (kind, listener) => events.addEventListener(kind, listener);
globalThis.location = {
  origin: "https://poe.test",
  href: `https://poe.test/${SECRET}?${SECRET}=${SECRET}#${SECRET}`,
  pathname: `/${SECRET}`,
};
globalThis.URL = class {
  constructor(text) {
    const [, origin, pathname, search] = /^([a-z]+:\/\/[^/?#]*)([^?#]*)([^#]*)/.exec(text);
    Object.assign(this, { origin, pathname, search });
  }
};
class HTMLTextAreaElement {
  constructor(text) {
    this.value = text;
  }
}
globalThis.HTMLTextAreaElement = HTMLTextAreaElement;

globalThis.document = new Target();
Object.assign(document, {
  title: `The ${SECRET} chat`,
  cookie: `p-b=${SECRET}; ${SECRET}=1`,
  body: { innerText: `Hello\n${SECRET}\n` },
  querySelectorAll: () => [
    {
      getAttribute: () => SECRET,
      textContent: JSON.stringify({
        viewer: { email: `${SECRET}@example.org`, name: SECRET, uid: 123456789, [SECRET]: [SECRET] },
        state: SECRET,
        kind: `${SECRET}_kind`,
        __typename: SECRET,
        [`${SECRET}Count`]: { [`of${SECRET}`]: 987654321 },
      }),
    },
  ],
});
globalThis.fetch = async () => ({
  status: 200,
  headers: { get: (name) => (name === "content-type" ? "application/json" : SECRET) },
  clone() {
    return this;
  },
  text: async () => JSON.stringify({ data: { status: SECRET, chatCode: SECRET, [SECRET]: { id: 55667788 } } }),
});
globalThis.WebSocket = class extends Target {
  constructor(url) {
    super();
    this.url = url;
  }
  send() {}
};

globalThis.play = async () => {
  document.tell("DOMContentLoaded");
  events.tell("input", { target: new HTMLTextAreaElement(`Say ${SECRET}.`) });
  await window.fetch(`https://poe.test/api/${SECRET}/gql_POST?${SECRET}=${SECRET}`, {
    method: "POST",
    headers: { [SECRET]: SECRET, "x-other": SECRET, "poe-queryname": SECRET },
    body: JSON.stringify({
      queryName: SECRET,
      variables: { query: `Say ${SECRET}.`, bot: SECRET, clientNonce: `${SECRET}11223344`, [SECRET]: true },
    }),
  });
  await window.fetch(`https://${SECRET}.example/${SECRET}`, { method: SECRET, body: SECRET });
  const socket = new window.WebSocket(`wss://${SECRET}.test/up/${SECRET}/updates?hash=${SECRET}&${SECRET}=1`);
  socket.tell("open");
  socket.send(JSON.stringify({ type: SECRET, text: SECRET }));
  for (const text of ["", SECRET, `${SECRET} said so`]) {
    const message = { messageId: 99887766, body: text, author: SECRET, state: "incomplete", [SECRET]: text };
    const payload = { subscription_name: SECRET, unique_id: `${SECRET}:33445566`, data: { [SECRET]: message } };
    const known = { subscription_name: "messageAdded", unique_id: "messageAdded:33445566", data: { messageAdded: message } };
    const entries = [payload, known].map((payload) => JSON.stringify({ message_type: "subscriptionUpdate", payload, _: SECRET }));
    socket.tell("message", { data: JSON.stringify({ messages: entries, min_seq: 44556677 }) });
  }
  socket.tell("message", { data: SECRET });
  socket.tell("close", { code: 1006 });
  for (let turn = 0; turn < 50; turn += 1) await null;
  events.tell("now");
};
