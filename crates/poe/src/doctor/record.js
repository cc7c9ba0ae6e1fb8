// Writes down the shape of all that a page's calls and sockets carry: names, types, states, order,
// times. No text, no number and no identity gets into a recording: all of it is taken out here,
// inside the page. It runs before the page's scripts, works on what it took at the beginning, and
// changes nothing of what the page sends and receives.
//
// A word is told if it is one of `known`, which are the site file's own. Another one is told only
// where a name or a state stands, if it looks like a name of a program, and if nothing that was
// typed, read or shown says it: so nothing is told before the end, which is the event `token`.
//
// A value becomes its type and how long it is: `text:16-63`. Short texts that are the same have the
// same number (`~3`), ids too (`#2`), so that it shows what belongs together. `grows` is a text
// that begins with what stood in the same place before.
(emit, { known: words, wordKeys, idKeys, padding, inline, token, mends = false, origins = null }) => {
  if (origins !== null && !origins.includes(location.origin)) return;

  const MAX_RECORDS = 3000;
  const MAX_DEPTH = 30;
  const MAX_NODES = 4000;
  const MAX_NUMBERED = 20_000;
  const LONGEST_READ = 4_000_000;
  const LONGEST_HEARD = 20_000;
  // An object with more keys than this is a table of somebody's things.
  const MAX_KEYS = 80;

  // ---- What the page may change later, as it is now.
  const { call } = Function.prototype;
  const method = (own) => call.bind(own);
  const getter = (prototype, name) => {
    const get = prototype && Object.getOwnPropertyDescriptor(prototype, name)?.get;
    return get ? method(get) : (object) => object[name];
  };
  const from = (type, name) => {
    const own = globalThis[type]?.prototype?.[name];
    return typeof own === "function" ? method(own) : (object, ...given) => object[name](...given);
  };
  const { parse, stringify } = JSON;
  const { isArray } = Array;
  const { keys } = Object;
  const { apply, construct } = Reflect;
  const { round } = Math;
  const NativeURL = globalThis.URL;
  const NativeRequest = globalThis.Request;
  const NativeHeaders = globalThis.Headers;
  const NativeFormData = globalThis.FormData;
  const NativeBlob = globalThis.Blob;
  const { atob } = globalThis;
  const slice = method(String.prototype.slice);
  const startsWith = method(String.prototype.startsWith);
  const includes = method(String.prototype.includes);
  const lowerCase = method(String.prototype.toLowerCase);
  const trim = method(String.prototype.trim);
  const exec = method(RegExp.prototype.exec);
  const then = method(Promise.prototype.then);
  const mapGet = method(Map.prototype.get);
  const mapSet = method(Map.prototype.set);
  const mapEach = method(Map.prototype.forEach);
  const mapSize = getter(Map.prototype, "size");
  const weakGet = method(WeakMap.prototype.get);
  const weakSet = method(WeakMap.prototype.set);
  const listenTo = from("EventTarget", "addEventListener");
  const headersEach = from("Headers", "forEach");
  const header = from("Headers", "get");
  const formEach = from("FormData", "forEach");
  const cloneRequest = from("Request", "clone");
  const requestText = from("Request", "text");
  const requestUrl = getter(globalThis.Request?.prototype, "url");
  const requestMethod = getter(globalThis.Request?.prototype, "method");
  const requestHeaders = getter(globalThis.Request?.prototype, "headers");
  const cloneResponse = from("Response", "clone");
  const responseText = from("Response", "text");
  const responseStatus = getter(globalThis.Response?.prototype, "status");
  const responseHeaders = getter(globalThis.Response?.prototype, "headers");
  const eventData = getter(globalThis.MessageEvent?.prototype, "data");
  const eventTarget = getter(globalThis.Event?.prototype, "target");
  const closeCode = getter(globalThis.CloseEvent?.prototype, "code");
  const socketUrl = getter(globalThis.WebSocket?.prototype, "url");
  const areaValue = getter(globalThis.HTMLTextAreaElement?.prototype, "value");
  const content = getter(globalThis.Node?.prototype, "textContent");
  const all = method(document.querySelectorAll);
  const attribute = from("Element", "getAttribute");
  const innerText = getter(globalThis.HTMLElement?.prototype, "innerText");
  const cookie = getter(globalThis.Document?.prototype, "cookie");
  const title = getter(globalThis.Document?.prototype, "title");
  const here = () => `${location.pathname}`;
  const clock = globalThis.performance;
  const now = method(clock.now);
  const begun = now(clock);

  const guarded = (work) => (...given) => {
    try {
      return apply(work, undefined, given);
    } catch {
      record({ k: "trouble" });
      return null;
    }
  };

  const test = (pattern, text) => exec(pattern, text) !== null;
  const push = (array, value) => (array[array.length] = value);
  const table = (list) => {
    const made = { __proto__: null };
    for (let at = 0; at < list.length; at += 1) made[list[at]] = true;
    return made;
  };
  const read = (text) => {
    try {
      return parse(text);
    } catch {
      return undefined;
    }
  };

  // ---- Words.
  const known = table(words);
  // What names and words of states may not be: words of names, and words of sentences.
  const names = { __proto__: null };
  const prose = { __proto__: null };
  // The parts of a name, in small letters.
  const partsOf = (text) => {
    const parts = [];
    const pattern = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+/g;
    for (let found = exec(pattern, text); found !== null; found = exec(pattern, text)) {
      push(parts, lowerCase(found[0]));
    }
    return parts;
  };
  const hear = (text) => {
    const some = text.length > LONGEST_HEARD ? slice(text, 0, LONGEST_HEARD) : text;
    const words = [];
    const pattern = /[\p{L}\p{N}_]+/gu;
    for (let found = exec(pattern, some); found !== null; found = exec(pattern, some)) {
      push(words, found[0]);
    }
    const said = words.length > 3 ? prose : names;
    for (let at = 0; at < words.length; at += 1) {
      said[lowerCase(words[at])] = true;
      if (said === prose) continue;
      const parts = partsOf(words[at]);
      for (let part = 0; part < parts.length; part += 1) names[parts[part]] = true;
    }
  };
  // Whether a text looks like a name of a program, and not like a code.
  const isName = (text) => {
    if (!test(/^[A-Za-z_$][A-Za-z0-9_$-]{0,47}$/, text) || test(/[0-9].*[0-9].*[0-9]/, text)) return false;
    const parts = partsOf(text);
    let letters = 0;
    for (let at = 0; at < parts.length; at += 1) {
      if (parts[at].length > 3 && !test(/[aeiouy]/, parts[at])) return false;
      letters += parts[at].length;
    }
    return parts.length > 0 && parts.length < 8 && letters / parts.length >= 2.5;
  };
  const isTold = (text) => {
    if (known[text] === true) return true;
    if (!isName(text)) return false;
    const small = lowerCase(text);
    if (names[small] === true || prose[small] === true) return false;
    const parts = partsOf(text);
    for (let at = 0; at < parts.length; at += 1) {
      if (parts[at].length > 2 && names[parts[at]] === true) return false;
    }
    for (const name in names) if (name.length > 4 && includes(small, name)) return false;
    return true;
  };

  // ---- Values. What is told of one waits for the end: `word` is a text that may be told.
  let typed = null;
  const numbered = new Map();
  const lasts = new Map();
  let same = 0;
  let ids = 0;
  const numberOf = (value, isId) => {
    const key = `${isId ? "#" : "~"}${value}`;
    const has = mapGet(numbered, key);
    if (has !== undefined) return has;
    if (mapSize(numbered) >= MAX_NUMBERED) return isId ? "#" : "~";
    const number = isId ? `#${(ids += 1)}` : `~${(same += 1)}`;
    mapSet(numbered, key, number);
    return number;
  };
  const SIZES = [0, 15, 63, 255, 1023, 16_383];
  const size = (length) => {
    for (let at = 0; at < SIZES.length; at += 1) {
      if (length <= SIZES[at]) return at === 0 ? "0" : `${SIZES[at - 1] + 1}-${SIZES[at]}`;
    }
    return `${SIZES[SIZES.length - 1] + 1}+`;
  };
  const isIdKey = (key) => test(/ids?$/i, key) || idKeys[key] === true;
  const isWordKey = (key) =>
    wordKeys[key] === true || test(/(^|_|[a-z])(state|status|type|typename|kind|event|phase)$/i, key);

  const ofText = (text, key, path) => {
    const last = mapGet(lasts, path);
    mapSet(lasts, path, text);
    const grows = last !== undefined && text.length > last.length && startsWith(text, last) ? " grows" : "";
    if (padding[key] === true) return ["is", "padding"];
    if (known[text] === true) return ["is", `word:${text}`];
    if (typed !== null && trim(text) === trim(typed)) {
      hear(text);
      return ["is", `text:${size(text.length)} =prompt`];
    }
    if (test(/^[0-9]+$/, text)) {
      return ["is", isIdKey(key) ? `digits ${numberOf(text, true)}` : "digits"];
    }
    const named = exec(/^([A-Za-z][A-Za-z0-9_]*):([0-9]+)$/, text);
    if (named !== null) return ["word", named[1], `:${numberOf(named[2], true)}`, "name"];
    if (key === "id" && text.length < 200 && atob) {
      let node = null;
      try {
        node = exec(/^([A-Za-z]+):0*([0-9]+)$/, atob(text));
      } catch {
        // It is no node's id.
      }
      if (node !== null) return ["word", node[1], `:${numberOf(node[2], true)}`, "node"];
    }
    const is = `text:${size(text.length)}`;
    if (isWordKey(key) && isName(text)) return ["word", text, "", is];
    hear(text);
    const isShort = text.length > 0 && text.length <= 64 && !test(/\s/, text);
    return ["is", is + (grows === "" && isShort ? ` ${numberOf(text, false)}` : grows)];
  };

  let nodes = 0;
  const shape = (value, key = "", path = "", depth = 0) => {
    nodes += 1;
    if (depth > MAX_DEPTH || nodes > MAX_NODES) return ["is", "…"];
    if (value === null) return ["is", "null"];
    if (typeof value === "boolean") return ["is", `${value}`];
    if (typeof value === "number") {
      return ["is", isIdKey(key) ? `number ${numberOf(`${value}`, true)}` : "number"];
    }
    if (typeof value === "string") {
      const opens = value[0] === "{" || value[0] === "[";
      const inner = opens && value.length <= LONGEST_READ ? read(value) : undefined;
      if (inner === undefined || inner === null) return ofText(value, key, path);
      return ["json", shape(inner, "", `${path}/`, depth + 1)];
    }
    if (typeof value !== "object") return ["is", typeof value];
    if (isArray(value)) {
      const of = [];
      const seen = { __proto__: null };
      for (let at = 0; at < value.length && at < 500 && of.length < 4; at += 1) {
        const each = shape(value[at], key, `${path}[]`, depth + 1);
        const text = stringify(each);
        if (seen[text] === true) continue;
        seen[text] = true;
        push(of, each);
      }
      return ["list", value.length, of];
    }
    const own = keys(value);
    if (own.length > MAX_KEYS) {
      return ["map", shape(value[own[0]], "", `${path}{}`, depth + 1)];
    }
    const fields = [];
    for (let at = 0; at < own.length; at += 1) {
      push(fields, [own[at], shape(value[own[at]], own[at], `${path}.${own[at]}`, depth + 1)]);
    }
    return ["fields", fields];
  };
  const shapeOf = (value) => {
    nodes = 0;
    return shape(value);
  };
  const ofBody = (text) => {
    if (typeof text !== "string") return ["is", text === null || text === undefined ? "none" : "binary"];
    const value = text.length <= LONGEST_READ ? read(text) : undefined;
    if (value !== undefined && typeof value === "object") return shapeOf(value);
    hear(text);
    return ["is", `text:${size(text.length)}`];
  };

  // What is told of a shape, now that all was heard.
  const unknown = new Map();
  const tellName = (text) => {
    if (isTold(text)) return text;
    const has = mapGet(unknown, text);
    if (has !== undefined) return has;
    const made = `?${mapSize(unknown) + 1}`;
    mapSet(unknown, text, made);
    return made;
  };
  const tell = (node) => {
    const [what] = node;
    if (what === "is") return node[1];
    if (what === "word") {
      return isTold(node[1]) ? `word:${node[1]}${node[2]}` : `${node[3]}${node[2]}`;
    }
    if (what === "json") return ["json", tell(node[1])];
    if (what === "map") return ["map", tell(node[1])];
    if (what === "list") {
      const out = [`list:${node[1] < 10 ? node[1] : size(node[1])}`];
      for (let at = 0; at < node[2].length; at += 1) push(out, tell(node[2][at]));
      return out;
    }
    const out = { __proto__: null };
    for (let at = 0; at < node[1].length; at += 1) out[tellName(node[1][at][0])] = tell(node[1][at][1]);
    return out;
  };

  // ---- Addresses: of a path the words that are known, and what follows `api`.
  const tellPath = (path) => {
    let out = "";
    let before = "";
    let rest = path;
    for (let found = exec(/^\/([^/]*)/, rest); found !== null; found = exec(/^\/([^/]*)/, rest)) {
      const part = found[1];
      rest = slice(rest, part.length + 1);
      const isWord = known[part] === true || (before === "api" && isTold(part));
      out += `/${part === "" || isWord ? part : "*"}`;
      before = part;
    }
    return out === "" ? "/" : out;
  };
  const address = (text) => {
    try {
      const url = new NativeURL(text, location.href);
      const parameters = [];
      const pattern = /[?&]([^=&]*)(?:=([^&]*))?/g;
      for (let found = exec(pattern, url.search); found !== null; found = exec(pattern, url.search)) {
        push(parameters, found[1]);
        if (found[2] !== undefined) hear(found[2]);
      }
      return { path: url.pathname, parameters, isOwn: url.origin === location.origin };
    } catch {
      return { path: "", parameters: [], isOwn: false };
    }
  };

  // ---- The records, in their order.
  const records = [];
  function record(what) {
    const made = { __proto__: null, ms: round(now(clock) - begun), ...what };
    if (records.length < MAX_RECORDS) push(records, made);
    return made;
  }
  const tellNames = (list) => {
    const out = [];
    for (let at = 0; at < list.length; at += 1) push(out, tellName(list[at]));
    return out;
  };
  const line = (what) => {
    const out = { __proto__: null, ms: what.ms, k: what.k };
    if (what.n !== undefined) out.n = what.n;
    if (what.by !== undefined) out.by = what.by;
    if (what.method !== undefined) out.method = test(/^[A-Z]{3,7}$/, what.method) ? what.method : "?";
    if (what.address !== undefined) {
      const { path, parameters, isOwn } = what.address;
      out.path = tellPath(path);
      if (!isOwn) out.host = "another";
      if (parameters.length > 0) out.parameters = tellNames(parameters);
    }
    if (what.headers !== undefined) {
      out.headers = tellNames(what.headers);
      const { says } = what.headers;
      if (says !== undefined) out.operation = isTold(says) ? says : "?";
    }
    if (what.status !== undefined) out.status = what.status;
    if (what.event !== undefined) out.event = what.event;
    if (what.from !== undefined) out.from = what.from;
    if (what.element !== undefined) out.element = what.element === null ? null : tellName(what.element);
    if (what.shape !== undefined) out.shape = tell(what.shape);
    return out;
  };
  const end = () => {
    hear(`${title(document) ?? ""}`);
    const cookies = `${cookie(document) ?? ""}`;
    const pattern = /[^=;\s]+/g;
    for (let found = exec(pattern, cookies); found !== null; found = exec(pattern, cookies)) hear(found[0]);
    const shown = document.body === null ? "" : slice(`${innerText(document.body) ?? ""}`, 0, 200_000);
    const lines = /[^\n]+/g;
    for (let found = exec(lines, shown); found !== null; found = exec(lines, shown)) {
      hear(`${found[0]} as it is shown`);
    }
    let last = null;
    let text = "";
    let times = 1;
    let until = 0;
    const out = () => {
      if (last === null) return;
      if (times > 1) {
        last.times = times;
        last.until = until;
      }
      emit({ __proto__: null, k: "shape", line: last });
    };
    for (let at = 0; at < records.length; at += 1) {
      const made = line(records[at]);
      const { ms } = made;
      made.ms = 0;
      const its = stringify(made);
      made.ms = ms;
      if (its === text) {
        times += 1;
        until = ms;
        continue;
      }
      out();
      last = made;
      text = its;
      times = 1;
    }
    out();
    records.length = 0;
    // To mend the user's own site file, names that are not told are needed; no recording holds them.
    const others = { __proto__: null };
    mapEach(unknown, (number, name) => {
      if (mends && test(/^[A-Za-z_][A-Za-z0-9_]{0,47}$/, name)) others[number] = name;
    });
    emit({ __proto__: null, k: "shape", line: null, names: others });
  };
  listenTo(window, token, guarded(end));
  listenTo(window, "pagehide", guarded(end));

  // ---- The document.
  record({ k: "document", address: address(location.href) });
  listenTo(document, "DOMContentLoaded", guarded(() => {
    const scripts = all(document, inline);
    for (let at = 0; at < scripts.length; at += 1) {
      const text = content(scripts[at]);
      if (text !== null) record({ k: "inline", element: attribute(scripts[at], "id"), shape: ofBody(text) });
    }
  }));
  if (window.navigation) {
    listenTo(window.navigation, "currententrychange", guarded(() => {
      record({ k: "address", address: address(location.href) });
    }));
  }
  listenTo(window, "input", guarded((event) => {
    const box = eventTarget(event);
    const isArea = typeof HTMLTextAreaElement === "function" && box instanceof HTMLTextAreaElement;
    const text = isArea ? areaValue(box) : (box?.isContentEditable ? content(box) : null);
    if (text === null) return;
    hear(text);
    if (text !== "") typed = text;
    record({ k: "typed" });
  }), true);

  // ---- Calls.
  let calls = 0;
  const ofHeaders = (given) => {
    const found = [];
    const add = (value, name) => {
      const small = lowerCase(`${name}`);
      push(found, small);
      if (wordKeys[small] === true) found.says = `${value}`;
      else hear(`${value}`);
    };
    if (given === null || typeof given !== "object") return found;
    if (NativeHeaders !== undefined && given instanceof NativeHeaders) headersEach(given, add);
    else if (isArray(given)) for (let at = 0; at < given.length; at += 1) add(given[at][1], given[at][0]);
    else for (let at = 0, own = keys(given); at < own.length; at += 1) add(given[own[at]], own[at]);
    return found;
  };
  const isForm = (body) => NativeFormData !== undefined && body instanceof NativeFormData;
  const ofAny = (body) => {
    if (!isForm(body)) {
      return NativeBlob !== undefined && body instanceof NativeBlob ? ["is", "blob"] : ofBody(body);
    }
    const fields = [];
    formEach(body, (value, name) => {
      push(fields, [`${name}`, typeof value === "string" ? ofBody(value) : ["is", "file"]]);
    });
    return ["fields", fields];
  };
  const replied = (n, status, type, text) => {
    record({ k: "reply", n, status, shape: text === null ? ["is", includes(type, "html") ? "html" : "other"] : ofBody(text) });
  };

  const nativeFetch = window.fetch;
  window.fetch = function fetch(...given) {
    const made = guarded(() => {
      const [what, how] = given;
      const isRequest = NativeRequest !== undefined && what instanceof NativeRequest;
      calls += 1;
      const it = record({
        k: "call",
        n: calls,
        by: isRequest ? "request" : "fetch",
        method: `${how?.method ?? (isRequest ? requestMethod(what) : "GET")}`,
        address: address(isRequest ? requestUrl(what) : `${what}`),
        headers: ofHeaders(how?.headers ?? (isRequest ? requestHeaders(what) : null)),
      });
      if (it.method === "GET") return it.n;
      if (isRequest && how?.body === undefined) {
        then(requestText(cloneRequest(what)), guarded((text) => (it.shape = ofBody(text))), () => null);
      } else {
        it.shape = ofAny(how?.body ?? null);
      }
      return it.n;
    })();
    const promise = apply(nativeFetch, this, given);
    guarded(() => {
      then(
        promise,
        guarded((response) => {
          const status = responseStatus(response);
          const type = `${header(responseHeaders(response), "content-type") ?? ""}`;
          if (!includes(type, "json")) return replied(made, status, type, null);
          then(
            responseText(cloneResponse(response)),
            guarded((text) => replied(made, status, type, text)),
            guarded(() => record({ k: "reply", n: made, status, event: "broken" })),
          );
        }),
        guarded(() => record({ k: "reply", n: made, event: "failed" })),
      );
    })();
    return promise;
  };

  const xhr = window.XMLHttpRequest?.prototype;
  if (xhr) {
    const opened = new WeakMap();
    const { open, send, setRequestHeader } = xhr;
    const status = getter(xhr, "status");
    const [type, asText, asValue] = [getter(xhr, "responseType"), getter(xhr, "responseText"), getter(xhr, "response")];
    xhr.open = function (...given) {
      guarded(() => weakSet(opened, this, { method: `${given[0]}`, url: `${given[1]}`, headers: [] }))();
      return apply(open, this, given);
    };
    xhr.setRequestHeader = function (...given) {
      guarded(() => {
        const about = weakGet(opened, this);
        const name = lowerCase(`${given[0]}`);
        if (about) push(about.headers, name);
        if (about && wordKeys[name] === true) about.headers.says = `${given[1]}`;
        else hear(`${given[1]}`);
      })();
      return apply(setRequestHeader, this, given);
    };
    xhr.send = function (...given) {
      guarded(() => {
        const about = weakGet(opened, this);
        if (!about) return;
        calls += 1;
        const n = calls;
        record({ k: "call", n, by: "xhr", method: about.method, address: address(about.url), headers: about.headers, shape: ofAny(given[0] ?? null) });
        listenTo(this, "loadend", guarded(() => {
          const kind = type(this);
          const text = kind === "" || kind === "text" ? asText(this) : kind === "json" ? stringify(asValue(this)) : null;
          if (status(this) === 0) record({ k: "reply", n, event: "failed" });
          else replied(n, status(this), "", text ?? null);
        }));
      })();
      return apply(send, this, given);
    };
  }

  // ---- Sockets.
  let sockets = 0;
  const numbers = new WeakMap();
  const listen = (socket) => {
    guarded(() => {
      sockets += 1;
      const n = sockets;
      weakSet(numbers, socket, n);
      record({ k: "socket", n, event: "made", address: address(socketUrl(socket)) });
      listenTo(socket, "open", guarded(() => record({ k: "socket", n, event: "open" })));
      listenTo(socket, "error", guarded(() => record({ k: "socket", n, event: "error" })));
      listenTo(socket, "close", guarded((event) => record({ k: "socket", n, event: "close", status: closeCode(event) })));
      listenTo(socket, "message", guarded((event) => {
        record({ k: "frame", n, from: "site", shape: ofBody(eventData(event)) });
      }));
    })();
    return socket;
  };
  const NativeSocket = window.WebSocket;
  window.WebSocket = new Proxy(NativeSocket, {
    __proto__: null,
    construct: (native, given, made) => listen(construct(native, given, made)),
  });
  const nativeSend = NativeSocket.prototype.send;
  NativeSocket.prototype.send = function send(...given) {
    guarded(() => {
      const n = weakGet(numbers, this);
      if (n !== undefined) record({ k: "frame", n, from: "page", shape: ofBody(given[0]) });
    })();
    return apply(nativeSend, this, given);
  };
}
