// The account's stream of updates.

import { is, meant, route, unveil } from "./app.js";
import { count, startsAfter } from "./frames.js";
import { setChannel, settings } from "./gql.js";

const PAUSES = [50, 200, 500, 1000, 2000];
const PING_EVERY = 5000;
const PONG_WITHIN = 3000;

/** Listens to the channel; hands entries to `onEntry`, and calls `onMissed` after every reconnection. */
export class Channel {
  constructor(tchannelData, onEntry, onMissed) {
    this.onEntry = onEntry;
    this.onMissed = onMissed;
    this.failures = 0;
    this.connect(tchannelData);
  }

  connect(data) {
    setChannel(data.channel);
    this.minSeq = data.minSeq;
    startsAfter(data.minSeq);
    const port = new URL(data.targetUrl).port;
    const query = new URLSearchParams({ min_seq: this.minSeq, channel: data.channel, hash: data.channelHash });
    if (!is("ping", "no")) query.set("generation", "1");
    const socket = new window.WebSocket(`ws://${location.hostname}:${port}${route("/up/{box_name}/updates", { box_name: data.boxName })}?${query}`);
    this.socket = socket;
    socket.addEventListener("open", () => {
      this.failures = 0;
      if (!is("ping", "no")) this.pinger = setInterval(() => this.ping(socket), PING_EVERY);
    });
    socket.addEventListener("message", (event) => this.frame(socket, event.data));
    socket.addEventListener("close", () => this.reconnect(socket));
  }

  ping(socket) {
    if (socket !== this.socket || socket.readyState !== 1) return;
    socket.send(JSON.stringify({ type: "ping" }));
    clearTimeout(this.patience);
    if (is("ping", "watched")) this.patience = setTimeout(() => this.reconnect(socket), PONG_WITHIN);
  }

  frame(socket, text) {
    if (socket !== this.socket) return;
    const frame = unveil(parse(text));
    if (frame?.type === "pong") return clearTimeout(this.patience);
    if (frame?.error === "missed_messages") return this.reconnect(socket);
    if (!Array.isArray(frame?.messages)) return;
    count(frame);
    if (Number(frame.min_seq) > Number(this.minSeq)) this.minSeq = frame.min_seq;
    for (const each of frame.messages) {
      const entry = meant(parse(each));
      if (entry?.message_type === "refetchChannel") return this.reconnect(socket);
      if (entry?.message_type === "reloadPage") return location.reload();
      if (entry?.message_type === "subscriptionUpdate" && entry.payload) this.onEntry(entry.payload);
    }
  }

  /** Gives the old socket up, asks for the settings anew, connects, reads the chat again. */
  async reconnect(socket) {
    if (socket !== this.socket) return;
    this.socket = null;
    clearInterval(this.pinger);
    clearTimeout(this.patience);
    socket.close();
    await pause(PAUSES[Math.min(this.failures, PAUSES.length - 1)]);
    this.failures += 1;
    try {
      const { tchannelData } = await settings();
      if (!tchannelData) return;
      this.connect(tchannelData);
      this.onMissed();
    } catch {
      this.socket = socket;
      await this.reconnect(socket);
    }
  }
}

function parse(text) {
  try {
    return typeof text === "string" ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
