// One message on the page.

import { is, route } from "./app.js";
import { attribute, avatar, h, icon, part } from "./dom.js";
import { Markdown } from "./markdown.js";

const FINE = new Set(["complete", "completed"]);
/** More of a question is not shown: it is there to be recognised. */
const LONGEST_QUESTION = 20000;

export class MessageView {
  /** `actions.suggest(text)` is called for a suggested reply. */
  constructor(node, bot, actions) {
    this.bot = node.bot ?? bot;
    this.actions = actions;
    this.last = false;
    /** What belongs to the message and stands after it. */
    this.beside = [];
    this.element = part("message", { id: `message-${node.messageId}` });
    if (node.author === "chat_break") {
      this.element.append(h("div", { class: "ChatBreak_chatBreak__" }, h("span", {}, "Context cleared")));
    } else if (node.author === "human") {
      this.element.append(question(node.text, node.attachments ?? []));
      if (is("markup", "2025")) attribute(this.element, "data-complete", "true");
    } else {
      this.mountAnswer();
    }
    this.update(node);
  }

  mountAnswer() {
    const text = part("markdown");
    this.markdown = new Markdown(text);
    this.dots = h("div", { class: "Message_loadingDots__", "aria-label": "Loading" }, h("i"), h("i"), h("i"));
    this.bubble = part("botBubble", {}, part("messageText", {}, text));
    this.after = h("div", { class: "ChatMessage_messageFooter__" });
    const { displayName, handle } = this.bot;
    const header = is("markup", "2025") ? part("headerOfMessage", {}, part("botHeader", { href: route("/{bot}", { bot: handle }) }, displayName), time()) : part("botHeader", {}, displayName);
    this.element.append(h("div", { class: "Message_row__" }, avatar(displayName), h("div", { class: "Message_column__" }, header, this.bubble, this.after)));
  }

  /** The message has another text or state. */
  update(node) {
    this.node = node;
    if (!this.markdown) return;
    this.markdown.update(node.text ?? "");
    const running = node.state === "incomplete";
    attribute(this.element, "data-complete", String(!running));
    if (running && !node.text) this.bubble.prepend(this.dots);
    else this.dots.remove();
    this.renderAfter();
  }

  /** Only the last message offers replies. */
  setLast(last) {
    if (this.last === last) return;
    this.last = last;
    if (this.markdown) this.renderAfter();
  }

  renderAfter() {
    const { state, followupActions } = this.node;
    const suggestions = FINE.has(state) && this.last ? (followupActions ?? []).map((action) => action.bodyText) : [];
    const key = `${state}\n${suggestions.join("\n")}`;
    if (key === this.shown) return;
    this.shown = key;
    const parts = [];
    if (FINE.has(state) || state === "cancelled") parts.push(this.actionBar());
    else if (state !== "incomplete") parts.push(errorBubble(this.node.messageStateText ?? "Something went wrong.", state.includes("too_long")));
    if (suggestions.length) parts.push(this.replies(suggestions));
    if (is("markup", "2023")) {
      this.after.replaceChildren(...parts);
      return;
    }
    for (const old of this.beside) old.remove();
    this.beside = parts;
    if (this.element.isConnected) this.element.after(...parts);
  }

  actionBar() {
    const button = (name, label, onclick) => part("actionButton", { "aria-label": label, onclick }, icon(name, { width: "18", height: "18" }));
    const copy = () => navigator.clipboard?.writeText(this.node.text);
    return part("actionBar", {}, button("up", "Like"), button("down", "Dislike"), button("copy", "Copy", copy));
  }

  replies(suggestions) {
    const button = (text) => part("suggestion", { onclick: () => this.actions.suggest(text) }, text);
    return part("suggestions", {}, ...suggestions.map(button));
  }
}

/** A question that the server has not confirmed yet, or has refused. */
export function pendingView({ text, attachments, error }) {
  const tooLong = error?.status === "too_many_tokens";
  return h("div", { class: "ChatMessage_chatMessage__", "data-pending": "true" }, question(text, attachments), error && errorBubble(error.text, tooLong));
}

function question(text, attachments) {
  const shown = text.length > LONGEST_QUESTION ? `${text.slice(0, LONGEST_QUESTION)}…` : text;
  const files = attachments.map((file) => h("div", { class: "Attachments_attachment__" }, icon("clip", { width: "16", height: "16" }), file.name));
  const content = is("markup", "2025") ? part("markdown", {}, shown) : shown;
  return h(
    "div",
    { class: "Message_humanRow__" },
    files.length > 0 && text === "" ? null : part("humanBubble", {}, part("messageText", {}, content)),
    files.length > 0 ? h("div", { class: "Attachments_attachments__" }, ...files) : null,
  );
}

function time() {
  const now = new Date();
  return part("messageMetadata", {}, `${now.getHours()}:${String(now.getMinutes()).padStart(2, "0")}`);
}

function errorBubble(text, tooLong) {
  return part("errorBubble", {}, tooLong ? icon("no", { class: "Message_noSignIcon__" }) : null, h("span", {}, text));
}
