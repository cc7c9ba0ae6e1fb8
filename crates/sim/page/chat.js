// One chat: its messages, what the channel says about it, and what the user does.

import { gql } from "./gql.js";

/** Whether an answer in this state is still being written. */
const runs = (state) => !["complete", "completed", "cancelled"].includes(state) && !state.startsWith("error");
/** Entries kept while the reply that names a new chat is on its way. */
const MOST_EARLY = 2000;

/** The chat that an entry of the channel tells of. */
export const chatOf = (payload) => Number(String(payload.unique_id).split(":").at(-1));

export class Chat {
  /** `views` has `message(node)`, `all()`, `busy()`, `title()`, `opened()`. */
  constructor(bot, chat, views) {
    this.bot = bot;
    this.views = views;
    this.id = null;
    this.code = null;
    this.title = null;
    this.messages = new Map();
    /** The question whose reply has not come: `{nonce, text, attachments, error}`. */
    this.pending = null;
    this.early = [];
    if (chat) this.read(chat);
  }

  /** Takes the server's whole view of the chat. */
  read(chat) {
    this.id = chat.chatId;
    this.code = chat.chatCode;
    this.title = chat.title;
    this.messages = new Map(chat.messagesConnection.edges.map(({ node }) => [node.messageId, node]));
  }

  /** The answer that is being written, if there is one. */
  get running() {
    const last = [...this.messages.values()].at(-1);
    return last && last.author !== "human" && runs(last.state) ? last : null;
  }

  get sending() {
    return Boolean(this.pending && !this.pending.error);
  }

  /** One entry of the channel. */
  apply(payload) {
    const name = payload.subscription_name;
    const node = payload.data?.[name];
    if (!node) return;
    const chat = chatOf(payload);
    if (this.id === null) this.moveWith(node, chat);
    if (this.id === null) {
      if (this.sending && this.early.length < MOST_EARLY) this.early.push(payload);
      return;
    }
    if (chat !== this.id) return;
    if (name === "messageAdded" || name === "messageCancelled") this.take(node);
    if (name === "chatTitleUpdated") {
      this.title = node.title;
      this.views.title();
    }
  }

  /** The echo of the question may name the new chat's address, ahead of the reply. */
  moveWith(node, chat) {
    if (!this.pending || node.clientNonce !== this.pending.nonce || !node.chatCode) return;
    this.id = chat;
    this.code = node.chatCode;
    this.replay(true);
  }

  /** What came before the chat was known counts now. */
  replay(opened) {
    const early = this.early;
    this.early = [];
    if (opened) this.views.opened();
    early.forEach((payload) => this.apply(payload));
  }

  take(told) {
    const known = this.messages.has(Number(told.messageId));
    // An update need not repeat what has not changed.
    const node = { ...this.messages.get(Number(told.messageId)), ...told, messageId: Number(told.messageId) };
    if (this.pending && node.author === "human" && node.clientNonce === this.pending.nonce) this.pending = null;
    this.messages.set(node.messageId, node);
    if (!known) this.sort();
    this.views.message(node, known);
    this.views.busy();
  }

  sort() {
    this.messages = new Map([...this.messages].sort(([one], [other]) => one - other));
  }

  /** Reads the chat again, after the channel lost something. */
  async reread() {
    if (this.code === null) return;
    const data = await gql("ChatPageQuery", { chatCode: this.code }).catch(() => null);
    if (!data?.chatOfCode) return;
    this.read(data.chatOfCode);
    this.views.title();
    this.views.all();
    this.views.busy();
  }

  /** Sends a question. */
  async send(text, attachments) {
    const pending = { nonce: nonce(), text, attachments, error: null };
    this.pending = pending;
    this.views.all();
    this.views.busy();
    try {
      const { messageEdgeCreate } = await gql("SendMessageMutation", {
        chatId: this.id,
        bot: this.bot.nickname,
        query: text,
        source: { sourceType: "chat_input", chatInputMetadata: { useVoiceRecord: false } },
        clientNonce: pending.nonce,
        sdid: "",
        attachments: attachments.map((file) => file.id),
        existingMessageAttachmentsIds: [],
        shouldFetchChat: this.id === null,
        messagePointsDisplayPrice: null,
      });
      this.accepted(messageEdgeCreate);
    } catch (error) {
      pending.error = { text: error.message, status: "error" };
      this.pending = pending;
    }
    this.views.all();
    this.views.busy();
  }

  accepted(reply) {
    if (reply.status !== "success") {
      this.pending.error = { text: reply.statusMessage ?? "Something went wrong.", status: reply.status };
      this.early = [];
      return;
    }
    this.pending = null;
    const opened = this.id === null;
    if (!reply.chat) return;
    this.id = Number(reply.chat.chatId);
    this.code = reply.chat.chatCode;
    this.title = reply.chat.title ?? this.title;
    for (const edge of [reply.message, reply.botMessage]) {
      // What the channel has told already is newer than the reply.
      const id = Number(edge?.node.messageId);
      if (edge && !this.messages.has(id)) this.messages.set(id, { ...edge.node, messageId: id });
    }
    this.sort();
    this.replay(opened);
  }

  /** Stops the answer that is being written. */
  async stop() {
    const answer = this.running;
    if (!answer) return;
    await gql("StopMessage_messageCancel_Mutation", {
      messageId: answer.messageId,
      textLength: answer.text.length,
      linkifiedTextLength: answer.text.length,
    }).catch(() => null);
  }

  /** Clears the context. */
  async clear() {
    if (this.id === null) return;
    const data = await gql("SendChatBreakMutation", { chatId: this.id, clientNonce: nonce() }).catch(() => null);
    if (data) this.take(data.messageBreakEdgeCreate.message.node);
  }
}

function nonce() {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => letters[byte % letters.length]).join("");
}
