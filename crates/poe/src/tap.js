// What the provider needs of the page's traffic, and nothing else: the page's own question and the
// reply to it, and the updates of messages on its socket. It runs before the page's scripts, reads
// what they send and receive, and changes nothing of it, with one exception: the messages and titles
// of other chats, which the site sends to every tab, are kept from this one. Where many answers run
// at once, tabs would do little else than attend to each other's.
//
// Until the page has asked or shows a chat, no message can be ours, and then only those of one
// chat; all others, which come on the same socket, are not even parsed.
//
// The text of an answer grows in full copies; what goes out is the change: how much of the last
// copy stays (`keep`, in UTF-16 units, as JavaScript counts) and what follows. The messages that go
// out are the variants of `TapMessage` in `decode/tap_message.rs`.
// `chatPath` begins the paths of chats; frames that are shorter than `long` are read as fast whole.
// `sharing` is what `share.js` makes.
(emit, { chatPath, long = 4000 }, sharing) => {
  // More messages than this are not followed at once; the oldest is forgotten.
  const FOLLOWED = 200;
  const SUBSCRIPTIONS = new Set([
    "messageAdded",
    "messageCreated",
    "messageStateUpdated",
    "messageTextUpdated",
    "messageFollowupActionAdded",
    "messageFollowupActionUpdated",
    "messageAttachmentAdded",
  ]);

  const parse = JSON.parse;
  // What was told of each message: its author, its text, whether it had ended, and after how many
  // gaps.
  const told = new Map();
  // How often updates may have been missed, and how often when the question was sent.
  let gaps = 0;
  let gapsBefore = null;
  // The page's own question, and its chat once it is known.
  let nonce = null;
  let ours = null;
  // The chat that was told of last, with its address and its bot.
  let known = null;
  // Whether the question opens a chat whose address is not known yet.
  let opens = false;

  const guarded = (work) => (...given) => {
    try {
      return work(...given);
    } catch (error) {
      emit({ k: "trouble", what: String(error) });
    }
  };

  const object = (value) => (value !== null && typeof value === "object" ? value : null);
  const list = (value) => (Array.isArray(value) ? value : []);
  // Half a character would make all of a message unreadable for its reader.
  const word = (value) => (typeof value === "string" ? value.toWellFormed() : null);
  const name = (value) => word(typeof value === "number" ? String(value) : value);

  const isHigh = (unit) => (unit & 0xfc00) === 0xd800;

  // A copy may be cut between the halves of a character: its end is not the text's end yet.
  const whole = (text, growing) => {
    if (growing && isHigh(text.charCodeAt(text.length - 1))) text = text.slice(0, -1);
    return text.toWellFormed();
  };

  const common = (one, other) => {
    if (other.startsWith(one)) return one.length;
    const most = Math.min(one.length, other.length);
    let at = 0;
    while (at < most && one.charCodeAt(at) === other.charCodeAt(at)) at += 1;
    return at > 0 && isHigh(one.charCodeAt(at - 1)) ? at - 1 : at;
  };

  // The last frame, where it told of one growing answer and nothing else: where its text begins, all
  // of it up to the text's end (`head`), what follows, and what was made of it. A frame that only
  // goes on with that text need not be read whole, which for each word of a long text would cost
  // its square.
  let grown = null;
  const MIN_SEQ = /"min_seq":\d+/;

  // Where a text ends in a frame, which has it as JSON in JSON; -1 where that is not plain.
  const endOfText = (frame, from) => {
    for (let at = from; at < frame.length; at += 1) {
      const unit = frame[at];
      if (unit === '"') return -1;
      if (unit !== "\\") continue;
      const escaped = frame[at + 1];
      if (escaped === '"') return at;
      // Numbers may stand for quotes and the like.
      if (escaped === "u") return -1;
      at += escaped === "\\" && frame[at + 2] === "\\" ? 3 : escaped === "\\" ? 2 : 1;
    }
    return -1;
  };

  // The text that stands in a part of a frame.
  const textOf = (part) => parse(`"${parse(`"${part}"`)}"`);

  // Remembers a frame that told of an answer and nothing else, so far as its text can be found.
  const remember = (frame, out, text) => {
    if (frame.length < long) return;
    const field = frame.match(/\\"text\\": ?\\"/);
    if (field === null) return;
    const start = field.index + field[0].length;
    const end = endOfText(frame, start);
    if (end < 0 || textOf(frame.slice(start, end)) !== text) return;
    const { chat, id, author, state, reason } = out;
    const told = { k: "message", chat, id, author, state, reason, own: false };
    const tail = frame.slice(end).replace(MIN_SEQ, "");
    grown = { start, head: frame.slice(0, end), tail, told };
  };

  // Whether a frame begins as the last one, by all before its text, by the text's end, and by
  // samples in between: comparing all of it each time would cost its square. Should a site change
  // something between the samples, the last frame shows it, which is read whole.
  const beginsAsBefore = (frame) => {
    const { start, head } = grown;
    const isSame = (from, to) => frame.slice(from, to) === head.slice(from, to);
    if (frame.length < head.length || !isSame(0, start)) return false;
    const step = Math.ceil((head.length - start) / 16);
    for (let at = start; at < head.length; at += step) {
      if (!isSame(at, Math.min(at + 32, head.length))) return false;
    }
    return isSame(Math.max(start, head.length - 1000), head.length);
  };

  // Tells what a frame adds to the last one, if that is all that it does.
  const goesOn = guarded((frame) => {
    if (grown === null || !beginsAsBefore(frame)) return false;
    const { chat, id } = grown.told;
    const last = told.get(`${chat}/${id}`);
    if (last === undefined || last.ended || (ours !== null && chat !== ours)) return false;
    const end = endOfText(frame, grown.head.length);
    if (end < 0 || frame.slice(end).replace(MIN_SEQ, "") !== grown.tail) return false;
    const text = textOf(frame.slice(grown.head.length, end));
    if (!text.isWellFormed() || text === "") return false;
    grown.head = frame.slice(0, end);
    emit({ ...grown.told, keep: last.text.length, text });
    last.text += text;
    last.at = gaps;
    return true;
  });

  const gap = (why) => {
    gaps += 1;
    emit({ k: "gap", why });
  };

  // The change from what was told last. Where no text comes, what was told is still the site's
  // only if nothing may have been missed since.
  const change = (key, text, now) => {
    const last = told.get(key) ?? { text: "", ended: false, at: gapsBefore };
    if (text === null && last.at !== gaps) return { keep: null, text: "" };
    text ??= last.text;
    const keep = common(last.text, text);
    told.delete(key);
    told.set(key, { ...now, text, ended: last.ended || now.ended });
    if (told.size > FOLLOWED) {
      told.delete(told.keys().next().value);
      gapsBefore = null;
    }
    return { keep, text: text.slice(keep) };
  };

  const message = guarded((chat, node, isRead) => {
    const id = name(node.messageId);
    if (id === null) return;
    const key = `${chat}/${id}`;
    const last = told.get(key);
    // An update need not say again whose message it is.
    const author = word(node.author) ?? last?.author ?? null;
    const state = word(node.state);
    const own = nonce !== null && node.clientNonce === nonce;
    if (own && chat !== null && chat !== ours) {
      ours = chat;
      claim();
    }
    if (ours !== null && chat !== ours) return;
    const out = { k: "message", chat, id, author, state, reason: word(node.messageStateText), own };
    const growing = state === "incomplete";
    // What comes late, or is read again, may be older than the end that was told.
    if (growing && last?.ended) return;
    const now = { author, ended: state !== null && !growing, at: isRead && growing ? null : gaps };
    // The question itself is known to who asked it.
    if (author === "human") {
      opened();
      return emit({ ...out, nonce: word(node.clientNonce), ...change(key, "", now) });
    }
    const text = typeof node.text === "string" ? whole(node.text, growing) : null;
    Object.assign(out, change(key, text, now));
    const suggestions = list(node.followupActions)
      .map((action) => word(object(action)?.bodyText))
      .concat(list(node.suggestedReplies).map(word))
      .filter((text) => text !== null);
    if (suggestions.length > 0) out.suggestions = [...new Set(suggestions)];
    const attachments = list(node.attachments)
      .map(object)
      .filter((file) => file !== null)
      .map((file) => ({ name: word(file.name) ?? "", url: word(file.url) ?? word(file.file?.url) ?? "" }))
      .filter((file) => file.url !== "");
    if (attachments.length > 0) out.attachments = attachments;
    emit(out);
    return growing && text !== null && text === node.text ? { out, text } : null;
  });

  // What the site says of a chat: its address and its bot.
  const about = (chat) => {
    const bot = object(chat?.defaultBotObject);
    const said = {
      chat: name(chat?.chatId),
      code: word(chat?.chatCode),
      handle: word(bot?.handle),
      nickname: word(bot?.nickname),
    };
    if (said.chat !== null) known = said;
    return said;
  };

  // A chat as the page reads it: its messages with their full texts.
  const chatPage = guarded((page) => {
    const said = about(object(page));
    if (said.chat === null) return;
    for (const edge of list(page.messagesConnection?.edges)) {
      const node = object(object(edge)?.node);
      if (node !== null) message(said.chat, node, true);
    }
    emit({ k: "read", ...said });
  });

  // Tells the address of the chat that the question has opened, once the page has moved there.
  const opened = guarded(() => {
    if (!opens || !location.pathname.startsWith(chatPath)) return;
    const code = /^[\w-]+/.exec(location.pathname.slice(chatPath.length))?.[0];
    if (code === undefined) return;
    opens = false;
    emit({ k: "opened", code });
  });

  // Tells what the page reads of that chat elsewhere, such as in a list of chats.
  const look = guarded((body) => {
    const parts = [body];
    while (opens && ours !== null && parts.length > 0) {
      const part = object(parts.pop());
      if (part === null) continue;
      if (name(part.chatId) === ours && word(part.chatCode) !== null) {
        opens = false;
        emit({ k: "chat", ...about(part) });
        return;
      }
      for (const inner of Object.values(part)) parts.push(inner);
    }
  });

  const entry = guarded((text) => {
    let entry;
    try {
      entry = parse(text);
    } catch {
      return;
    }
    if (object(entry)?.message_type === "refetchChannel") return gap("refetchChannel");
    const payload = object(object(entry)?.payload);
    const subscription = word(payload?.subscription_name);
    if (subscription === null) return;
    const data = object(object(payload.data)?.[subscription]);
    if (data === null) return;
    const unique = word(payload.unique_id) ?? "";
    const chat = unique.slice(unique.lastIndexOf(":") + 1);
    if (SUBSCRIPTIONS.has(subscription)) return message(chat, data);
    if (ours !== null && chat !== ours) return;
    if (subscription === "messageCancelled") {
      emit({ k: "cancelled", chat, id: name(data.messageId) });
    } else if (subscription === "chatTitleUpdated") {
      const title = word(data.title);
      if (title !== null) emit({ k: "title", chat, title });
    } else if (subscription === "jobCostUpdated") {
      const points = data.totalCostPoints;
      if (Number.isSafeInteger(points) && points >= 0) emit({ k: "cost", chat, points });
    }
  });

  // Whether this document was loaded on purpose. One that the page loaded itself may have asked
  // before.
  const isFresh = () => performance.getEntriesByType("navigation")[0]?.type === "navigate";

  // The chat whose messages are for us; "" for all chats, null for none.
  const wanted = () => {
    if (ours !== null) return ours;
    return nonce !== null || location.pathname.startsWith(chatPath) || !isFresh() ? "" : null;
  };

  // Tells who hears for this tab.
  const claim = () => sharing.want?.(wanted());

  // Whether a frame or an entry may hold something for us. Quotes inside an entry are escaped.
  const concerns = (text) => {
    if (text.includes("refetchChannel") || text.includes('"error"')) return true;
    const chat = wanted();
    return chat !== null && text.includes(chat);
  };

  // True where the frame is the channel's.
  const frame = guarded((text) => {
    let frame;
    try {
      frame = object(parse(text));
    } catch {
      return false;
    }
    if (frame === null) return false;
    if (typeof frame.error === "string") gap(word(frame.error));
    const entries = list(frame.messages);
    const made = entries.map((text) =>
      typeof text === "string" && concerns(text) ? entry(text) : null,
    );
    grown = null;
    if (made.length === 1 && made[0]?.out) remember(text, made[0].out, made[0].text);
    return Array.isArray(frame.messages) || typeof frame.error === "string";
  });

  const listen = (socket) => {
    let channel = false;
    sharing.offer?.(socket);
    socket.addEventListener("message", (event) => {
      const { data } = event;
      if (typeof data !== "string") return;
      if (goesOn(data)) return;
      if (concerns(data)) channel = frame(data) || channel;
      else if (sharing.chatsIn(data) !== null) event.stopImmediatePropagation();
    });
    socket.addEventListener("close", ({ code }) => {
      if (channel || socket.url.includes("/updates")) gap(`socket closed (${code})`);
    });
    socket.addEventListener("open", () => emit({ k: "socket", open: true }));
    socket.addEventListener("error", () => emit({ k: "socket", open: false }));
    return socket;
  };

  window.WebSocket = new Proxy(window.WebSocket, {
    construct: (native, given, made) =>
      listen(sharing.follow?.(...given) ?? Reflect.construct(native, given, made)),
  });
  claim();
  // A page moves without loading anything.
  window.navigation?.addEventListener("currententrychange", () => opened());

  // `Retry-After`, in seconds: it is a number of them, or a date by the site's clock.
  const retryAfter = (headers) => {
    const text = headers.get("retry-after") ?? "";
    const seconds = Number.parseFloat(text);
    if (Number.isFinite(seconds)) return seconds;
    const now = Date.parse(headers.get("date") ?? "");
    const wait = (Date.parse(text) - (Number.isFinite(now) ? now : Date.now())) / 1000;
    return wait > 0 ? wait : null;
  };

  const reply = (asked, status, retry, body) => {
    const out = { k: "reply", nonce: asked, http: status, retry };
    const answer = object(body);
    if (answer === null) return emit({ ...out, page: true });
    const created = object(object(answer.data)?.messageEdgeCreate);
    if (created === null) {
      const words = list(answer.errors).map((error) => word(object(error)?.message));
      return emit({ ...out, words: words.filter((text) => text !== null).join("; ") });
    }
    const chat = object(created.chat);
    const said = about(chat);
    if (created.status === "success") ours = said.chat ?? ours;
    if (said.code !== null) opens = false;
    claim();
    emit({
      ...out,
      ...said,
      status: word(created.status),
      words: word(created.statusMessage),
      // A chat that the page knew before need not be told again.
      chat: said.chat ?? ours,
      title: word(chat?.title),
      question: name(object(created.message)?.node?.messageId),
      answer: name(object(created.botMessage)?.node?.messageId),
    });
  };

  const read = (text) => {
    try {
      return parse(text);
    } catch {
      return null;
    }
  };

  // What a call asks for, from a JSON body or from the JSON part of a form.
  const call = (body) => {
    const texts = typeof body === "string" ? [body] : body instanceof FormData ? [...body.values()] : [];
    for (const text of texts) {
      const found = typeof text === "string" ? object(read(text)) : null;
      if (typeof found?.queryName !== "string") continue;
      return { ...found, withFiles: typeof body !== "string" };
    }
    return null;
  };

  // The reply to files that were sent ahead of the question.
  const upload = (http, body) => {
    const results = Object.values(object(object(body)?.data) ?? {}).map(object);
    const result = results.find((value) => typeof value?.status === "string");
    const words = word(result?.statusMessage) ?? word(object(list(object(body)?.errors)[0])?.message);
    emit({ k: "upload", http, status: word(result?.status), words });
  };

  const attend = guarded((asked, answer) => {
    const variables = object(asked.variables) ?? {};
    const own = word(variables.clientNonce);
    const sends = asked.queryName === "SendMessageMutation";
    if (sends) {
      nonce = own;
      gapsBefore = gaps;
      // Who follows this question has not heard of the messages before it.
      told.clear();
      grown = null;
      ours = name(variables.chatId);
      opens = ours === null && !location.pathname.startsWith(chatPath);
      claim();
      const { handle = null, nickname = null } = known?.chat === ours && ours !== null ? known : {};
      emit({ k: "sent", nonce: own, bot: word(variables.bot), handle, nickname });
    } else if (asked.withFiles) {
      emit({ k: "uploading" });
    } else if (asked.queryName !== "ChatPageQuery" && !opens) {
      return;
    }
    const lost = () => {
      if (sends) emit({ k: "reply", nonce: own, http: 0 });
      else if (asked.withFiles) upload(0, null);
      return null;
    };
    answer.then(
      async (response) => {
        // A reply that breaks off is as good as none.
        const text = await response.clone().text().catch(lost);
        if (text === null) return;
        const body = read(text);
        if (sends) {
          reply(own, response.status, retryAfter(response.headers), body);
        } else if (asked.withFiles) {
          upload(response.status, body);
        } else if (asked.queryName === "ChatPageQuery") {
          chatPage(object(object(body)?.data)?.chatOfCode);
        } else {
          look(body);
        }
      },
      lost,
    ).catch((error) => emit({ k: "trouble", what: String(error) }));
  });

  const nativeFetch = window.fetch;
  window.fetch = function fetch(...given) {
    const answer = Reflect.apply(nativeFetch, this, given);
    const asked = guarded(() => {
      const [where, how] = given;
      const url = typeof where === "string" ? where : (where?.url ?? String(where));
      return url.includes("/api/gql") ? call(how?.body) : null;
    })();
    if (asked) attend(asked, answer);
    return answer;
  };

  // The messages that the document itself brings.
  document.addEventListener("DOMContentLoaded", guarded(() => {
    const data = read(document.getElementById("__NEXT_DATA__")?.textContent ?? "");
    const properties = object(object(object(data)?.props)?.pageProps);
    if (properties === null) return;
    for (const value of [properties, ...Object.values(properties)]) {
      for (const page of [value, object(value)?.chatOfCode]) {
        if (object(page)?.messagesConnection) return chatPage(page);
      }
    }
  }));
}
