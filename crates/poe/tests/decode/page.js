// The page as the tap finds it: a socket, a fetch and a document that the test plays, and what the
// page itself does with them. The test calls the functions of `play`.
"use strict";
globalThis.window = globalThis;
globalThis.location = { pathname: "/chat/3abcodexyz" };
performance.getEntriesByType = () => [{ type: "navigate" }];

globalThis.play = (() => {
  // How many characters were read as JSON.
  let parsed = 0;
  const nativeParse = JSON.parse;
  JSON.parse = (text) => {
    parsed += String(text).length;
    return nativeParse(text);
  };
  // What a listener of the page or of the tap threw at the browser.
  const thrown = [];
  // What the page heard on its sockets, read of its calls' replies, and learned of their failures.
  const heard = [];
  const read = [];
  const failed = [];
  const sockets = [];
  const calls = [];
  let data = null;

  class Target {
    #listeners = new Map();
    addEventListener(kind, listener) {
      this.#listeners.set(kind, [...(this.#listeners.get(kind) ?? []), listener]);
    }
    dispatch(kind, event) {
      let stopped = false;
      event.stopImmediatePropagation = () => (stopped = true);
      for (const listener of this.#listeners.get(kind) ?? []) {
        if (stopped) return;
        try {
          listener.call(this, event);
        } catch (error) {
          thrown.push(String(error));
        }
      }
    }
  }

  class WebSocket extends Target {
    static OPEN = 1;
    constructor(...given) {
      super();
      this.given = given;
      this.url = String(given[0]);
    }
  }

  class FormData {
    #parts = [];
    append(_name, value) {
      this.#parts.push(value);
    }
    forEach(work) {
      this.#parts.forEach(work);
    }
  }

  // As a real one, its body can be read once, and cannot be copied after that.
  class Response {
    #body;
    #used = false;
    constructor(status, retry, body) {
      this.status = status;
      this.headers = { get: (name) => (name.toLowerCase() === "retry-after" ? retry : null) };
      this.#body = body;
    }
    clone() {
      if (this.#used) throw new TypeError("the body was used already");
      return new Response(this.status, this.headers.get("retry-after"), this.#body);
    }
    async text() {
      if (this.#used) throw new TypeError("the body was used already");
      this.#used = true;
      if (this.#body === null) throw new TypeError("network error");
      return this.#body;
    }
  }

  const NativeSocket = WebSocket;
  function nativeFetch(...given) {
    const call = { given, self: this };
    call.promise = new Promise((resolve, reject) => Object.assign(call, { resolve, reject }));
    calls.push(call);
    return call.promise;
  }
  const page = new Target();
  page.querySelectorAll = () => (data === null ? [] : [{ textContent: data }]);
  globalThis.addEventListener = () => {};
  Object.assign(globalThis, { WebSocket, FormData, fetch: nativeFetch, document: page });

  const emitted = [];
  const emit = (message) => emitted.push(JSON.stringify(message));

  // The page calls its server, and reads the reply.
  const call = (...given) => {
    const number = calls.length;
    window
      .fetch(...given)
      .then((response) => response.text())
      .then(
        (text) => read.push(text),
        (error) => failed.push(String(error)),
      );
    return number;
  };

  return {
    emit,
    emitted: () => emitted.splice(0),
    thrown: () => thrown.splice(0),
    heard: () => heard.splice(0),
    read: () => read.splice(0),
    failed: () => failed.splice(0),

    connect(url) {
      const socket = new window.WebSocket(url);
      socket.addEventListener("message", (event) => heard.push(event.data));
      sockets.push(socket);
    },
    parsed: () => parsed,
    // The page moves without loading anything.
    open: (path) => (location.pathname = path),
    deliver: (data) => sockets.at(-1).dispatch("message", { data }),
    close: (code) => sockets.at(-1).dispatch("close", { code }),

    call: (url, body) => call(url, { method: "POST", body }),
    upload(url, text) {
      const body = new FormData();
      body.append("file0", { name: "a file" });
      body.append("queryInfo", text);
      return call(url, { method: "POST", body });
    },
    // A call with any arguments, as JSON.
    callWith: (given) => call(...JSON.parse(given)),
    answer: (number, status, retry, body) => calls[number].resolve(new Response(status, retry, body)),
    // The connection breaks while the body is read.
    breakOff: (number, status) => calls[number].resolve(new Response(status, null, null)),
    refuse: (number, why) => calls[number].reject(new TypeError(why)),

    load(next) {
      data = next;
      page.dispatch("DOMContentLoaded", {});
    },

    // What the page can see of the tap: for each of its ways to use what is wrapped, whether that
    // is as if it were not.
    undisturbed(url) {
      const socket = new window.WebSocket(url, "a protocol");
      const seen = [];
      socket.addEventListener("message", ({ data }) => seen.push(data));
      const binary = new Uint8Array(3);
      for (const data of ["text", '{"messages":[]}', binary, ""]) socket.dispatch("message", { data });
      const somebody = { fetch: window.fetch };
      const body = '{"queryName":"SendMessageMutation","variables":{"query":"?","clientNonce":"n"}}';
      const how = { method: "POST", body };
      const answers = [fetch(url, how), window.fetch(url, how, 3), somebody.fetch(), fetch({ url })];
      const made = calls.splice(-answers.length);
      return Object.entries({
        "a socket is a native one": socket instanceof NativeSocket,
        "a socket is one of the page's": socket instanceof window.WebSocket,
        "a socket is given its arguments": socket.given.length === 2 && socket.given[1] === "a protocol",
        "a socket knows its address": socket.url === String(url),
        "a class keeps its constants": window.WebSocket.OPEN === 1,
        "a listener gets every message": seen.length === 4 && seen[2] === binary && seen[3] === "",
        "a call gives the native promise": answers.every((answer, at) => answer === made[at].promise),
        "a call passes its arguments": made[1].given.length === 3 && made[1].given[1] === how,
        "a call without arguments has none": made[2].given.length === 0,
        "a call passes its `this`":
          [undefined, window].includes(made[0].self) && made[1].self === window && made[2].self === somebody,
      })
        .filter(([, holds]) => !holds)
        .map(([what]) => what);
    },
  };
})();
