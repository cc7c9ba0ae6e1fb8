// One socket for many tabs. The site sends every update of the account to every tab; where many
// answers run at once, a browser would do little else than hand all of them to each. So one tab,
// the hub, has the socket, and hands to every other one, a spoke, what concerns it, as it came.
//
// What a spoke takes for its socket is an imitation that follows the hub's. Where the hub has not
// all that the spoke would get of the site, does not answer, or the page wants more than to listen,
// a socket of its own takes its place. When the hub's socket closes, or the hub is gone or hangs,
// the imitation closes as any socket does, and the page does what it always does then.
//
// `name` is the hub's; `isHub` tells which of both this tab is.
({ name, isHub }) => {
  const NativeSocket = window.WebSocket;
  const locks = name === null ? undefined : navigator.locks;
  const CHANNEL = "/updates";

  // How long a hub may take to answer a spoke, in milliseconds.
  const ANSWER = 5000;
  // How long a spoke that waits for its answer bears silence before it asks whether the hub hangs.
  const SILENCE = 5000;
  // For so long a hub keeps answers for spokes, which may say too late what they want.
  const LATE = 2000;
  // How much a hub keeps for tabs that are just being loaded, in UTF-16 units.
  const KEPT = 4_000_000;

  const since = (url) => Number(url.searchParams.get("min_seq") ?? Number.NaN);
  // The same channel, wherever its reader begins, and whichever of its hosts it is read from.
  const channelOf = ({ pathname, searchParams }) => {
    const named = new URLSearchParams(searchParams);
    named.delete("min_seq");
    return `${pathname}?${named}`;
  };

  // An entry stands in a frame as JSON in JSON: its quotes have one backslash, those of its texts
  // have more.
  const MARKS =
    /(?<!\\)\\"(?:message_type\\"|unique_id\\": ?\\"(?:message[A-Z]\w*|chatTitleUpdated):([^"\\]*)\\")/g;

  // The chats whose messages and titles a frame tells of; null where it tells of anything else.
  const chatsIn = (frame) => {
    const chats = [];
    let entries = 0;
    for (const [, chat] of frame.matchAll(MARKS)) {
      if (chat === undefined) entries += 1;
      else chats.push(chat);
    }
    return entries > 0 && entries === chats.length ? chats : null;
  };

  // Holds a lock until what is returned is called, or this tab is gone, however it goes.
  const hold = (lock, then = () => {}) => {
    let release;
    const released = new Promise((resolve) => (release = resolve));
    locks.request(lock, () => (then(), released));
    return release;
  };

  // What a spoke wants is null for no chat's, "" for all chats', or a chat.
  const concerns = (wanted, chats) => chats === null || wanted === "" || chats.includes(wanted);

  // The hub's side: returns what is to be done with each socket of its page.
  const hub = () => {
    // Those who have joined, and those who came before the hub's socket was open.
    const spokes = new Map();
    const early = new Map();
    let kept = [];
    let size = 0;
    let socket = null;
    // The number of the last entry that is not kept, and whether that was heard.
    let lost = Number.NaN;
    let isTrimmed = false;

    const forget = (id) => {
      for (const all of [early, spokes]) {
        all.get(id)?.port.close();
        all.delete(id);
      }
    };

    const close = (code) => {
      for (const { port } of spokes.values()) port.postMessage({ closed: code });
      [...spokes.keys()].forEach(forget);
      socket = null;
    };

    const join = (id, spoke) => {
      const { port, from, wanted } = spoke;
      if (channelOf(from) !== channelOf(new URL(socket.url)) || !(since(from) >= lost)) {
        port.postMessage({ refused: true });
        return forget(id);
      }
      const frames = kept.filter(({ at, chats }) => at > since(from) && concerns(wanted, chats));
      port.postMessage({ joined: frames.map(({ frame }) => frame), wanted });
      early.delete(id);
      spokes.set(id, spoke);
    };

    const change = (id, wanted) => {
      const spoke = spokes.get(id) ?? early.get(id);
      const recent = performance.now() - LATE;
      const isLate = spoke.wanted === null && spokes.has(id);
      spoke.wanted = wanted;
      if (!isLate) return;
      // What it may have missed is not here any more.
      if (isTrimmed && kept[0]?.time > recent) {
        spoke.port.postMessage({ closed: 1006 });
        return forget(id);
      }
      for (const { chats, frame, time } of kept) {
        if (time > recent && chats !== null && concerns(wanted, chats)) {
          spoke.port.postMessage({ frame });
        }
      }
    };

    const heard = (frame) => {
      const chats = chatsIn(frame);
      for (const { port, wanted } of spokes.values()) {
        if (concerns(wanted, chats)) port.postMessage({ frame });
      }
      const at = Number(/"min_seq":\s*"?(\d+)/.exec(frame.slice(-64))?.[1] ?? Number.NaN);
      // What has no number cannot be given to those who come later.
      if (!Number.isSafeInteger(at)) return;
      kept.push({ at, chats, frame, time: performance.now() });
      size += frame.length;
      if (size < KEPT) return;
      const half = kept.splice(0, Math.ceil(kept.length / 2));
      for (const { frame } of half) size -= frame.length;
      lost = half.at(-1).at;
      isTrimmed = true;
    };

    new BroadcastChannel(name).onmessage = ({ data: { id, url, wanted } }) => {
      const port = new BroadcastChannel(`${name}/${id}`);
      port.onmessage = ({ data }) => {
        if (data.wanted === undefined) port.postMessage({ alive: true });
        else change(id, data.wanted);
      };
      early.set(id, { port, from: new URL(url), wanted });
      locks.request(`${name}/${id}`, () => forget(id));
      if (socket !== null) join(id, early.get(id));
    };
    hold(name);

    return (fresh) => {
      if (!fresh.url.includes(CHANNEL)) return;
      fresh.addEventListener("open", () => {
        close(1006);
        [socket, kept, size, isTrimmed] = [fresh, [], 0, false];
        lost = since(new URL(fresh.url));
        for (const [id, waiting] of early) join(id, waiting);
      });
      fresh.addEventListener("message", ({ data }) => {
        if (socket === fresh && typeof data === "string") heard(data);
      });
      fresh.addEventListener("close", ({ code }) => {
        if (socket === fresh) close(code);
      });
    };
  };

  // A spoke's side: returns how a socket is made, and how the page's wants are told.
  const spoke = () => {
    const following = new Set();
    let wanted = null;
    let isGone = false;

    class Imitation extends EventTarget {
      static { Object.setPrototypeOf(this.prototype, NativeSocket.prototype); }

      #id = crypto.randomUUID();
      #url;
      #given;
      #state = NativeSocket.CONNECTING;
      #type = "blob";
      #handlers = {};
      // The one of its own, where the hub will not do.
      #own = null;
      #port = new BroadcastChannel(`${name}/${this.#id}`);
      #release = null;
      #watch = 0;
      #heardAt = 0;

      constructor(url, given) {
        super();
        this.#url = url;
        this.#given = given;
        this.#port.onmessage = ({ data }) => this.#heard(data);
        this.#watch = setTimeout(() => this.#part(), ANSWER);
        this.#release = hold(`${name}/${this.#id}`, () => {
          if (this.#state !== NativeSocket.CONNECTING || this.#own !== null) return;
          if (isGone) return this.#part();
          following.add(this);
          // Whoever has this channel open hears of everyone who comes.
          const toHub = new BroadcastChannel(name);
          toHub.postMessage({ id: this.#id, url: url.href, wanted });
          toHub.close();
        });
      }

      get url() { return this.#url.href; }
      get readyState() { return this.#own?.readyState ?? this.#state; }
      get protocol() { return this.#own?.protocol ?? ""; }
      get extensions() { return this.#own?.extensions ?? ""; }
      get bufferedAmount() { return this.#own?.bufferedAmount ?? 0; }
      get binaryType() { return this.#type; }
      set binaryType(type) {
        this.#type = type;
        if (this.#own !== null) this.#own.binaryType = type;
      }
      get onopen() { return this.#handlers.open ?? null; }
      set onopen(handler) { this.#handle("open", handler); }
      get onmessage() { return this.#handlers.message ?? null; }
      set onmessage(handler) { this.#handle("message", handler); }
      get onerror() { return this.#handlers.error ?? null; }
      set onerror(handler) { this.#handle("error", handler); }
      get onclose() { return this.#handlers.close ?? null; }
      set onclose(handler) { this.#handle("close", handler); }

      send(data) {
        if (this.#own !== null) return this.#own.send(data);
        if (this.#state === NativeSocket.CONNECTING) {
          throw new DOMException("still connecting", "InvalidStateError");
        }
        // A page that speaks needs a socket of its own; its next one is.
        isGone = true;
        this.#end(1006);
      }

      close(...given) {
        if (this.#own !== null) return this.#own.close(...given);
        if (this.#state >= NativeSocket.CLOSING) return;
        this.#state = NativeSocket.CLOSING;
        queueMicrotask(() => this.#end(given[0] ?? 1005, true));
      }

      want() {
        this.#port.postMessage({ wanted });
      }

      // The hub is gone, or does not answer any more.
      lose() {
        if (this.#state === NativeSocket.CONNECTING) this.#part();
        else this.#end(1006);
      }

      #handle(type, handler) {
        const before = this.#handlers[type];
        if (before) this.removeEventListener(type, before);
        this.#handlers[type] = handler;
        if (handler) this.addEventListener(type, handler);
      }

      #heard({ frame, joined, wanted: known, refused, closed }) {
        if (this.#own !== null) return;
        this.#heardAt = performance.now();
        if (refused) return this.#part();
        if (closed !== undefined) return this.#end(closed);
        if (joined !== undefined && this.#state === NativeSocket.CONNECTING) {
          this.#state = NativeSocket.OPEN;
          clearTimeout(this.#watch);
          this.#look();
          // The hub may not have listened yet when this was told.
          if (known !== wanted) this.want();
          this.dispatchEvent(new Event("open"));
        }
        for (const data of joined ?? (frame === undefined ? [] : [frame])) {
          if (this.#state !== NativeSocket.OPEN) return;
          this.dispatchEvent(new MessageEvent("message", { data, origin: this.#url.origin }));
        }
      }

      // Looks whether the hub hangs, while something is awaited of it.
      #look(asked = false) {
        this.#watch = setTimeout(() => {
          const isSilent = wanted !== null && performance.now() - this.#heardAt > SILENCE;
          if (isSilent && asked) {
            isGone = true;
            return this.#end(1006);
          }
          if (isSilent) this.#port.postMessage({});
          this.#look(isSilent);
        }, SILENCE);
      }

      #leave() {
        clearTimeout(this.#watch);
        following.delete(this);
        this.#port.close();
        this.#release();
      }

      #end(code, wasClean = false) {
        if (this.#state === NativeSocket.CLOSED) return;
        this.#state = NativeSocket.CLOSED;
        this.#leave();
        this.dispatchEvent(new CloseEvent("close", { code, wasClean }));
      }

      // Goes on with a socket of its own.
      #part() {
        if (this.#own !== null || this.#state !== NativeSocket.CONNECTING) return;
        this.#leave();
        this.#own = new NativeSocket(...this.#given);
        this.#own.binaryType = this.#type;
        for (const type of ["open", "error"]) {
          this.#own.addEventListener(type, () => this.dispatchEvent(new Event(type)));
        }
        this.#own.addEventListener("message", ({ data, origin }) =>
          this.dispatchEvent(new MessageEvent("message", { data, origin })),
        );
        this.#own.addEventListener("close", ({ code, reason, wasClean }) =>
          this.dispatchEvent(new CloseEvent("close", { code, reason, wasClean })),
        );
      }
    }

    // It is free when the hub is gone.
    locks.request(name, { mode: "shared" }, () => {
      isGone = true;
      for (const socket of [...following]) socket.lose();
    });

    return {
      // A socket that follows the hub's; null where the page is to have one of its own.
      follow: (...given) => {
        const url = new URL(given[0], location.href);
        return isGone || !url.href.includes(CHANNEL) ? null : new Imitation(url, given);
      },
      want: (what) => {
        if (what === wanted) return;
        wanted = what;
        for (const socket of following) socket.want();
      },
    };
  };

  // Without locks nobody would learn that the hub is gone.
  if (locks === undefined) return { chatsIn };
  return isHub ? { chatsIn, offer: hub() } : { chatsIn, ...spoke() };
}
