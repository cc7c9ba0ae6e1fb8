// Reads the page's traffic for the provider: the page's own question, the reply to it, and the
// updates of messages on its socket. It runs before the page's scripts, reads what they send and
// receive, and changes nothing of it. `emit` takes the variants of `TapMessage` in
// `decode/tap_message.rs`.
//
// Names of the site are data: `wire` is the table of that name in `site.toml`, each a list of names
// that are tried in order. Where none of them is there, things are known by their shape: the
// question is the call that carries what was typed, a message is an object with most of a message's
// fields, its text is the one that grows, and our own message is the one that carries our nonce.
//
// The text of an answer grows in full copies; what goes out is the change: how much of the last
// copy stays (`keep`, in UTF-16 units, as JavaScript counts) and what follows.
//
// The page's scripts can change every prototype, so the tap uses what it took at the beginning, and
// no iterators.
(emit, { wire, chatPath, origins = null, long = 4000, listens = false }) => {
  if (origins !== null && !origins.includes(location.origin)) return;

  // The number of messages that are followed at once; the oldest is forgotten beyond it.
  const MAX_FOLLOWED = 400;
  // The depth and the number of objects up to which data are searched.
  const MAX_DEPTH = 24;
  const MAX_OBJECTS = 200_000;
  // More than anybody is asked to pay, and still a whole number.
  const MAX_POINTS = 1e15;
  // The number of frames that are kept while the body of a call is read.
  const MAX_DEFERRED = 1000;

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
  const { keys, hasOwn, setPrototypeOf } = Object;
  const { apply, construct } = Reflect;
  const { isFinite, parseFloat } = Number;
  const { now, parse: parseDate } = Date;
  const { min, max, ceil } = Math;
  const NativeRequest = globalThis.Request;
  const NativeFormData = globalThis.FormData;
  const NativeBlob = globalThis.Blob;
  const { atob } = globalThis;
  const slice = method(String.prototype.slice);
  const indexOf = method(String.prototype.indexOf);
  const lastIndexOf = method(String.prototype.lastIndexOf);
  const includes = method(String.prototype.includes);
  const startsWith = method(String.prototype.startsWith);
  const endsWith = method(String.prototype.endsWith);
  const unitAt = method(String.prototype.charCodeAt);
  const lowerCase = method(String.prototype.toLowerCase);
  const trim = method(String.prototype.trim);
  const toWellFormed = method(String.prototype.toWellFormed);
  const isWellFormed = method(String.prototype.isWellFormed);
  const then = method(Promise.prototype.then);
  const mapGet = method(Map.prototype.get);
  const mapSet = method(Map.prototype.set);
  const mapDelete = method(Map.prototype.delete);
  const mapClear = method(Map.prototype.clear);
  const mapSize = getter(Map.prototype, "size");
  const mapKeys = method(Map.prototype.keys);
  const nextKey = method(Object.getPrototypeOf(new Map().keys()).next);
  const listenTo = from("EventTarget", "addEventListener");
  const cloneRequest = from("Request", "clone");
  const requestText = from("Request", "text");
  const requestForm = from("Request", "formData");
  const requestHeaders = getter(globalThis.Request?.prototype, "headers");
  const requestMethod = getter(globalThis.Request?.prototype, "method");
  const cloneResponse = from("Response", "clone");
  const responseText = from("Response", "text");
  const responseStatus = getter(globalThis.Response?.prototype, "status");
  const responseHeaders = getter(globalThis.Response?.prototype, "headers");
  const header = from("Headers", "get");
  const formValues = from("FormData", "forEach");
  const blobText = from("Blob", "text");
  const eventData = getter(globalThis.MessageEvent?.prototype, "data");
  const eventTarget = getter(globalThis.Event?.prototype, "target");
  const closeCode = getter(globalThis.CloseEvent?.prototype, "code");
  const socketUrl = getter(globalThis.WebSocket?.prototype, "url");
  const areaValue = getter(globalThis.HTMLTextAreaElement?.prototype, "value");
  const content = getter(globalThis.Node?.prototype, "textContent");
  const all = method(document.querySelectorAll);
  const here = () => location.pathname;

  // The last document may have asked, and not have been told which chat is ours.
  const isReloaded = performance.getEntriesByType("navigation")[0]?.type === "reload";

  const guarded = (work) => (...given) => {
    try {
      return apply(work, undefined, given);
    } catch (error) {
      emit({ __proto__: null, k: "trouble", what: `${error?.name}: ${error?.message}` });
      return null;
    }
  };

  // ---- Values, whatever they are.
  const object = (value) => (value !== null && typeof value === "object" ? value : null);
  // A list, which an object of no other one may hold.
  const list = (value) => {
    if (isArray(value)) return value;
    const held = object(value) === null ? undefined : search(value, (_, part) => isArray(part));
    return held ?? [];
  };
  const push = (array, value) => (array[array.length] = value);
  const has = (array, value) => {
    for (let at = 0; at < array.length; at += 1) if (array[at] === value) return true;
    return false;
  };
  // An array that is written as one whatever the page makes of all arrays.
  const plain = (array) => setPrototypeOf(array, null);
  // Half a character would make all of a message unreadable for its reader.
  const word = (value) => (typeof value === "string" ? toWellFormed(value) : null);
  const name = (value) =>
    word(typeof value === "number" || typeof value === "bigint" ? `${value}` : value);
  const read = (text) => {
    try {
      return parse(text);
    } catch {
      return null;
    }
  };

  // The value under the first of some names that is there.
  const field = (holder, names) => {
    for (let at = 0; at < names.length; at += 1) {
      if (hasOwn(holder, names[at])) return holder[names[at]];
    }
    return undefined;
  };
  // The first value whose key and value do.
  const search = (holder, does) => {
    const own = keys(holder);
    for (let at = 0; at < own.length; at += 1) {
      if (does(own[at], holder[own[at]])) return holder[own[at]];
    }
    return undefined;
  };
  const isNumber = (text) => {
    if (text === null || text === "") return false;
    for (let at = 0; at < text.length; at += 1) {
      const unit = unitAt(text, at);
      if (unit < 48 || unit > 57) return false;
    }
    return true;
  };
  // The number in a node's id, which is `Kind:number` in base64.
  const nodeId = (holder, kind) => {
    const id = field(holder, wire.node_id);
    if (typeof id !== "string" || id.length > 200 || !atob) return null;
    try {
      const text = atob(id);
      return startsWith(text, `${kind}:`) ? word(slice(text, kind.length + 1)) : null;
    } catch {
      return null;
    }
  };
  // An id by its name, by the node's id, or by a key that says what it is.
  const id = (holder, names, kind) => {
    const known = name(field(holder, names)) ?? nodeId(holder, kind);
    if (known !== null && known !== "") return known;
    const word = lowerCase(kind);
    const other = search(holder, (key, value) => {
      const small = lowerCase(key);
      return includes(small, word) && includes(small, "id") && isNumber(name(value));
    });
    return name(other);
  };
  const messageId = (node) => id(node, wire.message_id, wire.message_node);
  const chatId = (chat) => id(chat, wire.chat_id, wire.chat_node);
  const jobId = (job) => name(field(job, wire.job_id)) ?? nodeId(job, wire.job_node);

  const matches = (patterns, text) => {
    for (let at = 0; at < patterns.length; at += 1) {
      const pattern = patterns[at];
      if (endsWith(pattern, "*") ? startsWith(text, slice(pattern, 0, -1)) : text === pattern) return true;
    }
    return false;
  };
  const isEnd = (state) => state !== null && matches(wire.end_states, state);
  const isHuman = (author) => author !== null && has(wire.human, author);

  // ---- What is known of the question and its chat.
  // What was told of each message: its text, its author, whether it had ended, after how many gaps.
  const told = new Map();
  // The chats of messages that were told elsewhere.
  const chatOfMessage = new Map();
  // How often updates may have been missed, and how often when the question was sent.
  let gaps = 0;
  let gapsBefore = null;
  let nonce = null;
  let chatNonce = null;
  let isAsked = false;
  let ours = null;
  let question = null;
  let answer = null;
  let job = null;
  // The chat that was told of last, with its address and its bot.
  let known = null;
  // Whether the question opens a chat whose address is not known yet.
  let opens = false;
  // The text of a field of unknown name that has proved to grow.
  let learned = null;
  // What was typed last, and whether something was pressed since.
  let typed = null;
  let isPressed = false;

  const remember = (map, key, value) => {
    mapDelete(map, key);
    mapSet(map, key, value);
    if (mapSize(map) <= MAX_FOLLOWED) return false;
    mapDelete(map, nextKey(mapKeys(map)).value);
    return true;
  };

  // The code of the chat whose address is open.
  const codeHere = () => {
    const path = here();
    if (!startsWith(path, chatPath)) return null;
    const rest = slice(path, chatPath.length);
    const end = indexOf(rest, "/");
    const code = end < 0 ? rest : slice(rest, 0, end);
    return code === "" ? null : code;
  };

  // Whether a text may hold something of ours: it has one of the things by which it would be known.
  const mentions = (text) => {
    if (listens) return true;
    const marks = [ours, nonce, question, answer, job, codeHere()];
    for (let at = 0; at < marks.length; at += 1) {
      if (marks[at] !== null && marks[at] !== "" && includes(text, marks[at])) return true;
    }
    // The chat that was asked, or that is shown, is not known yet.
    return ours === null && (isAsked || isPressed || isReloaded || codeHere() !== null);
  };

  // ---- Texts.
  const isHigh = (unit) => (unit & 0xfc00) === 0xd800;

  // A copy may be cut between the halves of a character: its end is not the text's end yet.
  const whole = (text, growing) => {
    const isCut = growing && text !== "" && isHigh(unitAt(text, text.length - 1));
    return toWellFormed(isCut ? slice(text, 0, -1) : text);
  };

  const common = (one, other) => {
    if (startsWith(other, one)) return one.length;
    const most = min(one.length, other.length);
    let at = 0;
    while (at < most && unitAt(one, at) === unitAt(other, at)) at += 1;
    return at > 0 && isHigh(unitAt(one, at - 1)) ? at - 1 : at;
  };

  // The change from what was told last. Where no text comes, what was told is still the site's
  // only if nothing may have been missed since.
  const change = (key, text, latest) => {
    const last = mapGet(told, key) ?? { text: "", ended: false, at: gapsBefore, hasText: false };
    const hasText = last.hasText || text !== null;
    if (!hasText || (text === null && last.at !== gaps)) {
      return { __proto__: null, keep: null, text: "" };
    }
    text ??= last.text;
    const keep = common(last.text, text);
    const { strings } = last;
    const ended = last.ended || latest.ended;
    const record = { __proto__: null, ...latest, text, hasText, ended, strings };
    if (remember(told, key, record)) gapsBefore = null;
    return { __proto__: null, keep, text: slice(text, keep) };
  };

  // The text of a message: by its name, or the only one of its unknown fields that grows.
  const textOf = (node, key) => {
    const text = field(node, wire.text);
    if (typeof text === "string") return text;
    if (object(text) !== null && !isArray(text)) {
      const inner = field(text, wire.text) ?? search(text, (_, value) => typeof value === "string");
      if (typeof inner === "string") return inner;
    }
    if (text !== undefined && text !== null) return null;
    if (learned !== null && typeof node[learned] === "string") return node[learned];
    if (!isWhole(node)) return null;
    const last = mapGet(told, key);
    const strings = { __proto__: null };
    const own = keys(node);
    for (let at = 0; at < own.length; at += 1) {
      const value = node[own[at]];
      if (typeof value !== "string" || has(wire.known, own[at])) continue;
      strings[own[at]] = value;
      const before = last?.strings?.[own[at]];
      if (before !== undefined && value.length > before.length && startsWith(value, before)) {
        learned = own[at];
        return value;
      }
    }
    const record = last ?? { __proto__: null, text: "", author: null, ended: false, at: gapsBefore };
    record.strings = strings;
    remember(told, key, record);
    return null;
  };

  // ---- Shapes.
  // Whether an object has so many of the fields that a message has.
  const isWhole = (node, least = 4) => {
    let count = 0;
    for (let at = 0; at < wire.message.length && count < least; at += 1) {
      if (hasOwn(node, wire.message[at])) count += 1;
    }
    return count >= least && messageId(node) !== null;
  };
  const isChat = (value) =>
    field(value, wire.chat_id) !== undefined ||
    typeof field(value, wire.chat_code) === "string" ||
    nodeId(value, wire.chat_node) !== null;
  // An object under a name; it may be the only one of a list.
  const inner = (holder, names) => {
    const value = field(holder, names);
    return object(isArray(value) && value.length === 1 ? value[0] : value);
  };

  // Whether our nonce stands in a message, whatever its key is called.
  const isOwn = (node) =>
    nonce !== null && nonce !== "" &&
    (field(node, wire.nonce) === nonce || search(node, (_, value) => value === nonce) === nonce);

  const stateOf = (node) => {
    const state = field(node, wire.state);
    if (state !== undefined) return word(state);
    // Under another name, a state is known by its word.
    const other = search(node, (key, value) => {
      if (typeof value !== "string" || has(wire.known, key)) return false;
      return has(wire.growing_states, value) || isEnd(value);
    });
    return word(other);
  };

  const botOf = (holder, names) => {
    const bot = inner(holder, names);
    return {
      __proto__: null,
      handle: bot && word(field(bot, wire.handle)),
      nickname: bot && word(field(bot, wire.nickname)),
    };
  };

  // ---- Messages.
  const suggestionsOf = (node) => {
    const found = [];
    for (let at = 0; at < wire.suggestions.length; at += 1) {
      const lines = list(node[wire.suggestions[at]]);
      for (let line = 0; line < lines.length; line += 1) {
        const value = lines[line];
        const text = word(object(value) === null ? value : field(value, wire.suggestion_text));
        if (text !== null && !has(found, text)) push(found, text);
      }
    }
    return found;
  };

  const attachmentsOf = (node) => {
    const found = [];
    const files = list(field(node, wire.attachments));
    for (let at = 0; at < files.length; at += 1) {
      const file = object(files[at]);
      if (file === null) continue;
      const url = word(field(file, wire.file_url)) ?? word(field(inner(file, wire.file) ?? {}, wire.file_url));
      if (url === null || url === "") continue;
      push(found, { __proto__: null, name: word(field(file, wire.file_name)) ?? "", url });
    }
    return found;
  };

  const message = guarded((chat, node, isRead) => {
    const id = messageId(node);
    if (id === null) return null;
    chat ??= mapGet(chatOfMessage, id) ?? null;
    if (chat !== null) remember(chatOfMessage, id, chat);
    const key = `${chat ?? ours ?? ""}/${id}`;
    const last = mapGet(told, key);
    // An update need not say again whose message it is.
    const author = word(field(node, wire.author)) ?? last?.author ?? null;
    const state = stateOf(node);
    // Where the call was not understood, the question is the message with the text that was typed.
    const isEcho = !isAsked && isPressed && isHuman(author) && isTyped(field(node, wire.text));
    if (isEcho) asks(null, {});
    const own = isEcho || isOwn(node);
    if (own) {
      question = id;
      if (chat !== null && chat !== ours) ours = chat;
    }
    const ofJob = inner(node, wire.message_job);
    const itsJob = ofJob && jobId(ofJob);
    if (ours !== null && chat !== null && chat !== ours && !listens) return null;
    const out = { __proto__: null, k: "message", chat, id };
    const note = (key, value) => {
      if (value !== null && value !== false) out[key] = value;
    };
    const isPerson = isHuman(author) || own;
    note("author", author);
    note("state", state);
    note("own", own);
    note("human", isPerson);
    note("pause", author !== null && has(wire.breaks, author));
    note("reason", word(field(node, wire.reason)));
    note("job", itsJob);
    note("handle", botOf(node, wire.message_bot).handle);
    note("deleted", field(node, wire.deleted) === true);
    const growing = state !== null && !isEnd(state);
    // What comes late, or is read again, may be older than the end that was told.
    if (growing && last?.ended) return null;
    const latest = { __proto__: null, author, ended: isEnd(state), at: isRead && growing ? null : gaps };
    // The question itself is known to who asked it.
    if (isPerson) {
      opened();
      note("nonce", own ? nonce : word(field(node, wire.nonce)));
      emit({ __proto__: null, ...out, ...change(key, "", latest) });
      return null;
    }
    const text = textOf(node, key);
    const news = change(key, text === null ? null : whole(text, growing), latest);
    const update = { __proto__: null, ...out, ...news };
    const suggestions = suggestionsOf(node);
    if (suggestions.length > 0) update.suggestions = plain(suggestions);
    const attachments = attachmentsOf(node);
    if (attachments.length > 0) update.attachments = plain(attachments);
    emit(update);
    return growing && text !== null && isWellFormed(text) ? { out, key, text } : null;
  });

  // ---- Chats.
  // What the site says of a chat: its address and its bot.
  const about = (chat) => {
    const code = word(field(chat, wire.chat_code));
    const said = { __proto__: null, chat: chatId(chat), code, ...botOf(chat, wire.chat_bot) };
    const isHere = code !== null && code === codeHere();
    if (said.chat === null && isHere) said.chat = ours;
    if (said.chat !== null && (code !== null || said.handle !== null)) known = said;
    // A page that shows a chat is that chat's until it asks.
    if (isHere && !isAsked) ours = said.chat;
    return said;
  };

  const isOurs = (said) =>
    listens || (ours !== null && said.chat === ours) || (said.code !== null && said.code === codeHere());
  // On a chat's page, the one that comes with its messages and without an address.
  const isShown = (said) => said.code === null && ours === null && !isAsked && codeHere() !== null;

  // Tells what the page reads of chats: the messages of ours with their full texts, and its address.
  const readData = guarded((data) => {
    let budget = MAX_OBJECTS;
    // Gives how many messages stand in a value. Those that stand in no list are no chat's history,
    // but what a list of chats shows of each.
    const walk = (value, chat, isListed, depth) => {
      if (object(value) === null || depth > MAX_DEPTH || (budget -= 1) < 0) return 0;
      if (!isArray(value)) {
        if (isWhole(value)) {
          if (!isListed || chat === null) return 0;
          message(chat.chat, value, true);
          return 1;
        }
        if (isChat(value)) {
          const said = about(value);
          const own = keys(value);
          const held = search(value, (key, part) => has(wire.messages, key) && object(part) !== null);
          const isOf = isOurs(said) || (held !== undefined && isShown(said));
          let count = 0;
          const holds = held !== undefined;
          for (let at = 0; at < own.length; at += 1) {
            count += walk(value[own[at]], isOf ? said : null, false, depth + 1);
          }
          if (isOf && (count > 0 || holds)) emit({ __proto__: null, k: "read", ...said });
          else if (isOf && said.chat !== null) emit({ __proto__: null, k: "chat", ...said });
          if (isOf && said.code !== null && said.chat === ours) opens = false;
          return 0;
        }
      }
      let count = 0;
      const own = keys(value);
      const isOne = own.length <= 4;
      for (let at = 0; at < own.length; at += 1) {
        // An edge of a list has its node, and little beside it.
        const stays = isArray(value) || (isListed && isOne);
        count += walk(value[own[at]], chat, stays, depth + 1);
      }
      return count;
    };
    walk(data, null, false, 0);
  });

  // Tells the address of the chat that the question has opened, once the page has moved there.
  const opened = guarded(() => {
    const code = opens ? codeHere() : null;
    if (code === null) return;
    opens = false;
    emit({ __proto__: null, k: "opened", code });
  });

  // ---- The socket.
  const gap = (why) => {
    gaps += 1;
    emit({ __proto__: null, k: "gap", why });
  };

  // One entry of the channel; gives what it tells of one growing answer and nothing else.
  const entry = guarded((value) => {
    const found = typeof value === "string" ? object(read(value)) : object(value);
    if (found === null || isArray(found)) return null;
    const kind = word(field(found, wire.entry_kind));
    if (kind !== null && has(wire.missed, kind)) {
      gap(kind);
      return null;
    }
    const payload = inner(found, wire.payload) ?? found;
    const subscription = word(field(payload, wire.subscription));
    const small = subscription === null ? "" : lowerCase(subscription);
    // The chat stands at the end of a name, behind a colon.
    const ofName = (_, value) => {
      if (typeof value !== "string" || value.length > 200) return false;
      const colon = lastIndexOf(value, ":");
      return colon > 0 && isNumber(slice(value, colon + 1));
    };
    const unique = field(payload, wire.unique_id) ?? search(payload, ofName) ?? search(found, ofName);
    const colon = typeof unique === "string" ? indexOf(unique, ":") : -1;
    let chat = colon < 0 ? null : word(slice(unique, colon + 1));
    if (chat === "") chat = null;
    let grows = null;
    let objects = 2000;

    const visit = (node, depth) => {
      if (object(node) === null || depth > 8 || (objects -= 1) < 0) return;
      if (!isArray(node)) {
        const inside = inner(node, wire.chat);
        const ofChat = (inside && chatId(inside)) ?? name(field(node, wire.chat_id)) ?? chat;
        const itsId = messageId(node);
        const isPart = itsId !== null && has(wire.on_message, subscription);
        const hasNews = isPart && keys(node).length > 1 && inside === null;
        // Under a name that nobody knows, a message is one that has nearly all.
        if (hasNews || isWhole(node, 6)) {
          if (includes(small, "deleted")) {
            emit({ __proto__: null, k: "deleted", chat: ofChat, id: itsId });
            return;
          }
          grows = message(ofChat, node, false);
          return;
        }
        if (itsId !== null && ofChat !== null) remember(chatOfMessage, itsId, ofChat);
        // What only holds other objects says nothing itself.
        const says = search(node, (_, value) => object(value) === null) !== undefined;
        if (says || keys(node).length === 0) tell(node, ofChat, itsId);
        if (isChat(node) && chatId(node) !== null) {
          const isNew = chatNonce !== null && search(node, (_, value) => value === chatNonce) !== undefined;
          if (isNew) ours ??= chatId(node);
          const said = about(node);
          const isNews = said.code !== null || said.handle !== null;
          if (isNews && isOurs(said)) emit({ __proto__: null, k: "chat", ...said });
        }
      }
      const own = keys(node);
      for (let at = 0; at < own.length; at += 1) visit(node[own[at]], depth + 1);
    };

    // Other news of a chat or of one of its messages.
    const tell = (node, ofChat, itsId) => {
      const itsJob = jobId(node);
      const points = field(node, wire.cost) ?? search(node, (key) => includes(lowerCase(key), "cost"));
      const state = word(field(node, wire.state)) ?? stateOf(node);
      if (typeof points === "number" && points < MAX_POINTS) {
        if (ofChat !== null) emit({ __proto__: null, k: "cost", chat: ofChat, points: max(0, ceil(points)) });
      } else if (itsJob !== null && itsId === null) {
        const own = isOwn(node);
        if (own) job = itsJob;
        const itsNonce = word(field(node, wire.nonce));
        emit({ __proto__: null, k: "job", chat: ofChat, id: itsJob, state, own, nonce: itsNonce });
      } else if (has(wire.on_cancelled, subscription) || includes(small, "cancel")) {
        if (ofChat !== null) emit({ __proto__: null, k: "cancelled", chat: ofChat, id: itsId });
      } else if (includes(small, "deleted") && itsId !== null) {
        emit({ __proto__: null, k: "deleted", chat: ofChat, id: itsId });
      } else if (has(wire.on_title, subscription) || includes(small, "title")) {
        const title = word(field(node, wire.title));
        if (title !== null && ofChat !== null) emit({ __proto__: null, k: "title", chat: ofChat, title });
      }
    };

    visit(inner(payload, wire.data) ?? payload, 0);
    return grows;
  });

  // The last frame of each chat, where it told of one growing answer and nothing else: the text as
  // it stands in the frame, which is JSON in JSON, and what stands before and after it. A frame
  // that only goes on with that text need not be read whole, which for each word of a long text
  // would cost its square.
  const grown = new Map();
  const textStarts = [];
  for (let at = 0; at < wire.text.length; at += 1) {
    push(textStarts, `\\"${wire.text[at]}\\":\\"`);
    push(textStarts, `\\"${wire.text[at]}\\": \\"`);
  }
  const startOfText = (frame) => {
    for (let at = 0; at < textStarts.length; at += 1) {
      const found = indexOf(frame, textStarts[at]);
      if (found >= 0) return found + textStarts[at].length;
    }
    return -1;
  };

  // The chat that a frame names first.
  const uniqueStarts = [];
  for (let at = 0; at < wire.unique_id.length; at += 1) {
    push(uniqueStarts, `\\"${wire.unique_id[at]}\\":\\"`);
    push(uniqueStarts, `\\"${wire.unique_id[at]}\\": \\"`);
  }
  const nameOf = (frame) => {
    for (let at = 0; at < uniqueStarts.length; at += 1) {
      const found = indexOf(frame, uniqueStarts[at]);
      if (found < 0) continue;
      const start = found + uniqueStarts[at].length;
      return slice(frame, start, indexOf(frame, "\\", start));
    }
    return "";
  };

  // Where a text ends in a frame, which has it as JSON in JSON; -1 where that is not plain.
  const endOfText = (frame, from) => {
    for (let at = from; at < frame.length; at += 1) {
      const unit = unitAt(frame, at);
      if (unit === 34) return -1;
      if (unit !== 92) continue;
      const escaped = unitAt(frame, at + 1);
      if (escaped === 34) return at;
      // Numbers may stand for quotes and the like.
      if (escaped === 117) return -1;
      at += escaped === 92 && unitAt(frame, at + 2) === 92 ? 3 : escaped === 92 ? 2 : 1;
    }
    return -1;
  };

  // What stands beside a text, without what changes from frame to frame: the frame's number, and
  // padding.
  const steady = (part) => {
    let out = part;
    const number = indexOf(out, wire.frame_number);
    if (number >= 0) {
      let end = number + wire.frame_number.length;
      while (end < out.length && out[end] !== "," && out[end] !== "}") end += 1;
      out = slice(out, 0, number) + slice(out, end);
    }
    for (let at = 0; at < wire.padding.length; at += 1) {
      const start = indexOf(out, `\\"${wire.padding[at]}\\":`);
      if (start < 0) continue;
      const value = start + wire.padding[at].length + 7;
      const end = indexOf(out, `\\"`, value);
      if (end >= 0) out = slice(out, 0, start) + slice(out, end);
    }
    return out;
  };

  // The text that stands in a part of a frame.
  const written = (part) => parse(`"${parse(`"${part}"`)}"`);

  // Keeps a frame that told of an answer and nothing else, so far as its text can be found.
  const keep = (frame, { out, key, text }) => {
    const unique = nameOf(frame);
    mapDelete(grown, unique);
    if (frame.length < long) return;
    const start = startOfText(frame);
    const end = start < 0 ? -1 : endOfText(frame, start);
    if (end < 0 || written(slice(frame, start, end)) !== text) return;
    remember(grown, unique, {
      head: steady(slice(frame, 0, start)),
      raw: slice(frame, start, end),
      tail: steady(slice(frame, end)),
      size: text.length,
      out,
      key,
    });
  };

  // Whether a frame's text begins as the last one, by its beginning, its end and samples between:
  // comparing all of it each time would cost its square. Should a site change something between
  // the samples, the last frame shows it, which is read whole.
  const goesOnFrom = (frame, start, raw) => {
    if (frame.length < start + raw.length) return false;
    const isSame = (from, to) => slice(frame, start + from, start + to) === slice(raw, from, to);
    const step = max(1, ceil(raw.length / 16));
    for (let at = 0; at < raw.length; at += step) {
      if (!isSame(at, min(at + 32, raw.length))) return false;
    }
    return isSame(max(0, raw.length - 1000), raw.length);
  };

  // Tells what a frame adds to the last one, if that is all that it does.
  const goesOn = guarded((frame) => {
    if (frame.length < long) return false;
    const last = mapGet(grown, nameOf(frame));
    if (last === undefined) return false;
    const { out, key } = last;
    const record = mapGet(told, key);
    if (record === undefined || record.ended || record.text.length !== last.size) return false;
    if (ours !== null && out.chat !== ours && !listens) return false;
    const start = startOfText(frame);
    if (start < 0 || steady(slice(frame, 0, start)) !== last.head) return false;
    if (!goesOnFrom(frame, start, last.raw)) return false;
    const before = start + last.raw.length;
    const end = endOfText(frame, before);
    if (end < 0 || steady(slice(frame, end)) !== last.tail) return false;
    const text = written(slice(frame, before, end));
    if (!isWellFormed(text) || text === "") return false;
    last.raw = slice(frame, start, end);
    last.size += text.length;
    emit({ __proto__: null, ...out, keep: record.text.length, text });
    record.text += text;
    record.at = gaps;
    return true;
  });

  // True where the frame is the channel's.
  const frame = guarded((text) => {
    const found = object(read(text));
    if (found === null) return false;
    const error = field(found, wire.frame_error);
    if (typeof error === "string") {
      gap(word(error));
      return true;
    }
    // By another name, the entries are the only list of texts.
    const known = field(found, wire.entries);
    const entries =
      known === undefined
        ? (search(found, (_, value) => isArray(value) && typeof value[0] === "string") ?? null)
        : list(known);
    if (entries === null) return false;
    let grows = null;
    for (let at = 0; at < entries.length; at += 1) grows = entry(entries[at]);
    if (entries.length === 1 && grows) keep(text, grows);
    else mapDelete(grown, nameOf(text));
    return true;
  });

  // Frames that come while the body of a call is read wait for it: it may be the question.
  let reading = 0;
  let deferred = [];
  const hears = (text) => {
    if (goesOn(text)) return true;
    let may = mentions(text) || includes(text, `"${wire.frame_error[0]}"`);
    for (let at = 0; at < wire.missed.length && !may; at += 1) may = includes(text, wire.missed[at]);
    return may ? frame(text) : false;
  };
  const drain = guarded(() => {
    if (deferred.length === 0) return;
    const late = deferred;
    deferred = [];
    for (let at = 0; at < late.length; at += 1) hears(late[at]);
  });
  const settled = () => {
    reading -= 1;
    if (reading === 0) drain();
  };

  const listen = (socket) => {
    let isChannel = includes(socketUrl(socket), wire.channel);
    listenTo(socket, "message", (event) => {
      const data = eventData(event);
      if (typeof data !== "string") return;
      if (reading > 0 && deferred.length < MAX_DEFERRED) return push(deferred, data);
      drain();
      isChannel = hears(data) || isChannel;
    });
    listenTo(socket, "close", (event) => {
      if (isChannel) gap(`socket closed (${closeCode(event)})`);
    });
    listenTo(socket, "open", () => emit({ __proto__: null, k: "socket", open: true }));
    listenTo(socket, "error", () => emit({ __proto__: null, k: "socket", open: false }));
    return socket;
  };

  window.WebSocket = new Proxy(window.WebSocket, {
    __proto__: null,
    construct: (native, given, made) => listen(construct(native, given, made)),
  });
  // A page moves without loading anything.
  if (window.navigation) listenTo(window.navigation, "currententrychange", () => opened());

  // ---- Calls.
  // `Retry-After`, in seconds: it is a number of them, or a date by the site's clock.
  const retryAfter = (value) => {
    const text = value("retry-after") ?? "";
    const seconds = parseFloat(text);
    if (isFinite(seconds)) return seconds;
    const clock = parseDate(value("date") ?? "");
    const wait = (parseDate(text) - (isFinite(clock) ? clock : now())) / 1000;
    return wait > 0 ? wait : null;
  };

  // The words of the errors of a reply.
  const complaints = (body) => {
    let words = "";
    const errors = list(field(body, wire.errors));
    for (let at = 0; at < errors.length; at += 1) {
      const text = word(field(object(errors[at]) ?? {}, wire.error_words));
      if (text !== null) words += (words === "" ? "" : "; ") + text;
    }
    return words === "" ? null : words;
  };

  // The first object inside a value that does, by breadth.
  const first = (value, does) => {
    const queue = [value];
    for (let at = 0; at < queue.length && at < 5000; at += 1) {
      const node = object(queue[at]);
      if (node === null) continue;
      if (!isArray(node) && does(node)) return node;
      const own = keys(node);
      for (let part = 0; part < own.length; part += 1) push(queue, node[own[part]]);
    }
    return null;
  };

  // The reply to the question.
  const reply = guarded((itsNonce, status, value, text) => {
    const out = { __proto__: null, k: "reply", nonce: itsNonce, http: status, retry: retryAfter(value) };
    const body = object(read(text));
    if (body === null) return emit({ ...out, page: true });
    out.words = complaints(body);
    const data = inner(body, wire.data);
    const isReply = (node) => typeof field(node, wire.status) === "string" && !isWhole(node);
    const made = data && (inner(data, wire.reply) ?? first(data, isReply) ?? data);
    if (!made || keys(made).length === 0) return emit(out);
    const ofKey = (names) => {
      const edge = inner(made, names);
      return edge && (inner(edge, wire.node) ?? edge);
    };
    const asked = ofKey(wire.reply_question);
    const mine = asked && messageId(asked) ? asked : first(made, (node) => isWhole(node) && isOwn(node));
    const bot = ofKey(wire.reply_answer);
    const isBots = (node) => isWhole(node) && node !== mine && !isHuman(word(field(node, wire.author)));
    const its = bot && messageId(bot) ? bot : mine && first(made, isBots);
    const chat = inner(made, wire.chat) ?? first(made, (node) => node !== data && isChat(node));
    const said = chat ? about(chat) : { __proto__: null, chat: null, code: null };
    const ofJob = inner(made, wire.job) ?? (chat && first(chat, (node) => jobId(node) !== null));
    out.status = word(field(made, wire.status));
    out.words = word(field(made, wire.status_words)) || out.words;
    const isNewest = itsNonce === nonce;
    const isTaken = mine !== null || has(wire.success, out.status);
    if (isNewest) {
      question = (mine && messageId(mine)) ?? question;
      answer = (its && messageId(its)) ?? answer;
      job = (ofJob && jobId(ofJob)) ?? job;
      if (isTaken) ours = said.chat ?? ours;
      if (said.code !== null) opens = false;
    }
    emit({
      __proto__: null,
      ...out,
      ...said,
      // A chat that the page knew before need not be told again.
      chat: said.chat ?? (isNewest ? ours : null),
      title: chat && word(field(chat, wire.title)),
      question: mine && messageId(mine),
      answer: its && messageId(its),
      job: ofJob && jobId(ofJob),
      silent: Boolean(chat) && field(chat, wire.responds) === false,
    });
  });

  // The reply to files that were sent ahead of the question.
  const uploaded = guarded((status, text) => {
    const body = text === null ? null : object(read(text));
    const result = body && first(body, (node) => typeof field(node, wire.status) === "string");
    const said = result && word(field(result, wire.status));
    const words = (result && word(field(result, wire.status_words))) || (body && complaints(body));
    const isTaken = status >= 200 && status < 300 && (said === null || has(wire.success, said)) &&
      !(said === null && words !== null);
    emit({ __proto__: null, k: "upload", http: status, taken: isTaken, status: said, words });
  });

  // Whether a text is what was typed, but for blanks at its ends.
  const isTyped = (text) => {
    if (typed === null || typeof text !== "string") return false;
    return text === typed || (text.length < typed.length + 100 && text.length > 0 && trim(text) === trim(typed));
  };

  // The question's variables in the body of a call. It carries a prompt and a nonce; where the site
  // calls these otherwise, it carries what was typed when send was pressed, and names a bot.
  const questionOf = (body) => {
    const variables = inner(body, wire.variables) ?? body;
    const known = field(variables, wire.nonce);
    if (typeof known === "string" && typeof field(variables, wire.prompt) === "string") {
      return { variables, nonce: known };
    }
    if (typed === null) return null;
    const holder = first(body, (node) => search(node, (_, value) => isTyped(value)) !== undefined);
    if (holder === null) return null;
    if (typeof known === "string") return { variables, nonce: known };
    const isNonce = (key, value) =>
      typeof value === "string" && includes(lowerCase(key), "nonce") && !has(wire.chat_nonce, key);
    const other = search(holder, isNonce) ?? search(variables, isNonce);
    if (typeof other === "string") return { variables: holder, nonce: other };
    const namesBot = typeof field(holder, wire.bot) === "string";
    return isPressed && namesBot ? { variables: holder, nonce: null } : null;
  };

  // The page asks.
  const asks = (itsNonce, variables) => {
    nonce = itsNonce;
    chatNonce = word(field(variables, wire.chat_nonce)) || null;
    isAsked = true;
    isPressed = false;
    gapsBefore = gaps;
    // Who follows this question has not heard of the messages before it.
    mapClear(told);
    mapClear(grown);
    question = answer = job = null;
    ours = name(field(variables, wire.chat_id));
    if (ours === null && codeHere() !== null && known?.code === codeHere()) ours = known.chat;
    opens = codeHere() === null;
    const isKnown = known !== null && ours !== null && known.chat === ours;
    emit({
      __proto__: null,
      k: "sent",
      nonce,
      bot: word(field(variables, wire.bot)),
      handle: isKnown ? known.handle : null,
      nickname: isKnown ? known.nickname : null,
    });
  };

  // What is made of a call: the question, files ahead of it, or data to be read. `reply` is told
  // what came of it: its status, how to get its headers, and its text, or `null` where it is lost.
  const attend = (texts, hasFiles) => {
    let asked = null;
    for (let at = 0; at < texts.length && asked === null; at += 1) {
      const text = texts[at];
      if (typeof text !== "string" || text[0] !== "{") continue;
      const body = object(read(text));
      asked = body && questionOf(body);
    }
    if (asked !== null) {
      asks(word(asked.nonce), asked.variables);
      const itsNonce = nonce;
      return (status, value, text) => {
        if (text === null) emit({ __proto__: null, k: "reply", nonce: itsNonce, http: 0 });
        else reply(itsNonce, status, value, text);
      };
    }
    if (hasFiles) {
      emit({ __proto__: null, k: "uploading" });
      return (status, _, text) => uploaded(text === null ? 0 : status, text);
    }
    if (!isAsked && codeHere() === null) return null;
    return guarded((_, value, text) => {
      const type = value("content-type") ?? "json";
      if (text === null || !includes(type, "json") || !mentions(text)) return;
      const body = object(read(text));
      if (body !== null) readData(body);
    });
  };
  const attended = guarded(attend);

  // The texts of a body that is a form, and whether it holds files.
  const ofForm = (form) => {
    const texts = [];
    const waits = [];
    let hasFiles = false;
    formValues(form, (value) => {
      if (typeof value === "string") push(texts, value);
      else if (value?.type && includes(value.type, "json")) push(waits, blobText(value));
      else hasFiles = true;
    });
    return { texts, waits, hasFiles };
  };
  const isBlob = (body) => NativeBlob !== undefined && body instanceof NativeBlob;
  const isForm = (body) => NativeFormData !== undefined && body instanceof NativeFormData;

  // Hands a call on to who attends it, at once or when its body was read.
  const inTime = (body, reply) => {
    if (typeof body === "string") return reply(attended([body], false));
    if (isForm(body)) {
      const { texts, waits, hasFiles } = ofForm(body);
      if (waits.length === 0) return reply(attended(texts, hasFiles));
      return later(waits[0], (text) => reply(attended([text], hasFiles)));
    }
    if (isBlob(body)) {
      if (!includes(body.type, "json")) return reply(attended([], true));
      return later(blobText(body), (text) => reply(attended([text], false)));
    }
    return reply(attended([], false));
  };
  // Frames wait meanwhile.
  const later = (promise, work) => {
    reading += 1;
    then(
      promise,
      (value) => {
        guarded(work)(value);
        settled();
      },
      () => {
        guarded(work)("");
        settled();
      },
    );
  };

  const ofResponse = (response) => (key) => header(responseHeaders(response), key);

  // Reads the reply of a call, once it is known who wants it.
  const fetched = (promise, whenKnown) => {
    let wants = null;
    let waiting = null;
    let isKnown = false;
    whenKnown((reply) => {
      isKnown = true;
      wants = reply;
      if (waiting !== null) waiting();
      return null;
    });
    const got = (status, value, text) => {
      const tell = () => wants !== null && wants(status, value, text);
      if (isKnown) tell();
      else waiting = tell;
    };
    then(
      promise,
      guarded((response) => {
        if (isKnown && wants === null) return;
        const value = ofResponse(response);
        // A reply that breaks off is as good as none.
        then(
          responseText(cloneResponse(response)),
          (text) => got(responseStatus(response), value, text),
          () => got(0, value, null),
        );
      }),
      () => got(0, () => null, null),
    );
  };

  const nativeFetch = window.fetch;
  window.fetch = function fetch(...given) {
    // A request can be read once: its copy is made before it is used.
    const copy = guarded(() => {
      const what = given[0];
      const how = given[1];
      const isRequest = NativeRequest !== undefined && what instanceof NativeRequest;
      if (!isRequest || how?.body !== undefined || requestMethod(what) === "GET") return null;
      return cloneRequest(what);
    })();
    const answer = apply(nativeFetch, this, given);
    guarded(() => {
      if (copy === null) return fetched(answer, (reply) => inTime(given[1]?.body, reply));
      const type = header(requestHeaders(copy), "content-type") ?? "";
      if (includes(type, "multipart/")) {
        return fetched(answer, (reply) =>
          later(requestForm(copy), (form) => (form === "" ? reply(null) : inTime(form, reply))),
        );
      }
      if (type !== "" && !includes(type, "json") && !includes(type, "text")) {
        return fetched(answer, (reply) => reply(attended([], true)));
      }
      return fetched(answer, (reply) =>
        later(requestText(copy), (text) => reply(attended([text], false))),
      );
    })();
    return answer;
  };

  const nativeXhr = window.XMLHttpRequest?.prototype;
  if (nativeXhr) {
    const [status, responseType] = [getter(nativeXhr, "status"), getter(nativeXhr, "responseType")];
    const [asText, asValue] = [getter(nativeXhr, "responseText"), getter(nativeXhr, "response")];
    const responseHeader = method(nativeXhr.getResponseHeader);
    const nativeSend = nativeXhr.send;
    nativeXhr.send = function send(...given) {
      guarded(() => {
        const request = this;
        let wants = null;
        inTime(given[0] ?? null, (reply) => (wants = reply));
        listenTo(request, "loadend", guarded(() => {
          if (wants === null) return;
          const http = status(request);
          const type = responseType(request);
          const value = (key) => responseHeader(request, key);
          if (http === 0) wants(0, () => null, null);
          else if (type === "" || type === "text") wants(http, value, asText(request));
          else if (type === "json") wants(http, value, stringify(asValue(request)));
        }));
      })();
      return apply(nativeSend, this, given);
    };
  }

  // ---- What is typed, and when something is pressed.
  listenTo(window, "input", guarded((event) => {
    const box = eventTarget(event);
    const isArea = typeof HTMLTextAreaElement === "function" && box instanceof HTMLTextAreaElement;
    typed = isArea ? areaValue(box) : (box?.isContentEditable ? content(box) : typed);
    isPressed = false;
  }), true);
  const pressed = () => (isPressed = true);
  listenTo(window, "click", pressed, true);
  listenTo(window, "keydown", pressed, true);

  // The messages that the document itself brings.
  listenTo(document, "DOMContentLoaded", guarded(() => {
    const scripts = all(document, wire.inline);
    for (let at = 0; at < scripts.length; at += 1) {
      const text = content(scripts[at]);
      const data = text !== null && mentions(text) ? object(read(text)) : null;
      if (data !== null) readData(data);
    }
  }));
}
