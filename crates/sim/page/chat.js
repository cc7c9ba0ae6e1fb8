// One chat: its messages, what the channel says about it, and what the user does.

import { data as page, is } from "./app.js";
import { gql, gqlWithFiles, nextData } from "./gql.js";

/** Whether an answer in this state is still being written. */
const runs = (state) => !["complete", "completed", "cancelled"].includes(state) && !state.startsWith("error");
/** Entries kept while the reply that names a new chat is on its way. */
const MOST_EARLY = 2000;

/** The chat that an entry of the channel tells of. */
export function chatOf(payload) {
  const chat = payload.data?.[payload.subscription_name]?.chat?.chatId;
  return Number(chat ?? String(payload.unique_id).split(":").at(-1));
}

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
    /** How the answers stand whose jobs have ended. */
    this.ended = new Map();
    if (chat) this.read(chat);
  }

  /** Takes the server's whole view of the chat. */
  read(chat) {
    this.id = Number(chat.chatId);
    this.code = chat.chatCode;
    this.title = chat.title;
    this.messages = new Map(chat.messagesConnection.edges.map(({ node }) => [Number(node.messageId), { ...node, messageId: Number(node.messageId) }]));
  }

  /** The answer that is being written, if there is one. */
  get running() {
    const all = [...this.messages.values()];
    return all.findLast((message) => message.author !== "human" && runs(message.state)) ?? null;
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
    if (name === "messageEdited") this.take(node);
    if (name === "messageDeletedV2") this.drop(Number(node.messageId));
    if (name === "messageFollowupActionUpdated") this.take(node);
    if (name === "jobUpdated" && ["completed", "finished", "failed", "cancelled"].includes(node.state)) this.endJob(node);
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
    const node = { text: "", ...this.messages.get(Number(told.messageId)), ...told, messageId: Number(told.messageId) };
    if (!node.state) return;
    // What a job has ended stays so, whatever later copies say.
    const ended = this.ended.get(node.messageId);
    if (ended && runs(node.state)) node.state = ended;
    if (this.pending && node.author === "human" && node.clientNonce === this.pending.nonce) this.pending = null;
    this.messages.set(node.messageId, node);
    if (!known) this.sort();
    this.views.message(node, known);
    this.views.busy();
  }

  drop(id) {
    if (this.messages.delete(id)) this.views.all();
  }

  /** The answer of a job has ended, whatever its own state says. */
  endJob({ jobId, state }) {
    const answer = [...this.messages.values()].find((message) => message.responsibleJob && String(message.responsibleJob.jobId) === String(jobId));
    if (!answer || answer.author === "human" || !runs(answer.state)) return;
    this.ended.set(answer.messageId, ["completed", "finished"].includes(state) ? "complete" : "cancelled");
    this.take(answer);
  }

  sort() {
    this.messages = new Map([...this.messages].sort(([one], [other]) => one - other));
  }

  /** Reads the chat again, after the channel lost something. */
  async reread() {
    if (this.code === null || is("reread", "none")) return;
    if (is("reread", "reload")) return location.reload();
    const chat = await (is("reread", "next-data") ? this.readPage() : this.readCall()).catch(() => null);
    if (!chat) return;
    this.read(chat);
    this.views.title();
    this.views.all();
    this.views.busy();
  }

  async readCall() {
    return (await gql("ChatPageQuery", { chatCode: this.code })).chatOfCode;
  }

  async readPage() {
    const { chat, data } = await nextData(this.code);
    return chat ?? data?.mainQuery?.chatOfCode;
  }

  /** Sends a question. */
  async send(text, attachments) {
    const pending = { nonce: nonce(), text, attachments, error: null };
    this.pending = pending;
    this.views.all();
    this.views.busy();
    try {
      const withFiles = is("files", "with") && attachments.length > 0;
      const variables = this.variables(pending, withFiles);
      const call = withFiles ? gqlWithFiles("SendMessageMutation", variables, attachments.map(({ file }) => file)) : gql("SendMessageMutation", variables);
      const { messageEdgeCreate } = await call;
      this.accepted(messageEdgeCreate);
    } catch (error) {
      pending.error = { text: error.message, status: "error" };
      this.pending = pending;
    }
    this.views.all();
    this.views.busy();
  }

  /** What is said of a question. */
  variables({ nonce: clientNonce, text, attachments }, withFiles) {
    const isNew = this.id === null;
    const ids = withFiles ? attachments.map((_, index) => `file${index}`) : attachments.map((file) => file.id);
    return {
      chatId: this.id,
      bot: page.askedBot,
      query: text,
      clientNonce,
      chatNonce: isNew ? nonce() : null,
      shouldFetchChat: isNew,
      ...(is("files", "token") ? { fileHashJwts: ids } : { attachments: ids }),
    };
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
    if (is("shape", "2025")) this.noticed(opened);
  }

  /** What the app asks after a question, for things that are not shown here. */
  noticed(opened) {
    gql("ChatLastMessageAreaQuery", { chatId: this.id }).catch(() => null);
    gql("ChatHelpers_ChatMarkAsSeen_Mutation", { chatId: this.id }).catch(() => null);
    if (opened && is("next-data", "on")) nextData(this.code).catch(() => null);
  }

  /** Stops the answer that is being written. */
  async stop() {
    const answer = this.running;
    if (!answer) return;
    if (is("stop-call", "jobs")) {
      await gql("cancelViewerActiveJobs_cancelViewerActiveJobs_Mutation", { chatId: this.id }).catch(() => null);
      return;
    }
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
