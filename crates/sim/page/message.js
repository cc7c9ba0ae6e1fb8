// One message on the page.

import { avatar, h, icon } from "./dom.js";
import { Markdown } from "./markdown.js";

const FINE = new Set(["complete", "completed"]);
/** More of a question is not shown: it is there to be recognised. */
const LONGEST_QUESTION = 20000;

export class MessageView {
  /** `actions.suggest(text)` is called for a suggested reply. */
  constructor(node, bot, actions) {
    this.bot = bot;
    this.actions = actions;
    this.last = false;
    this.element = h("div", { class: "ChatMessage_chatMessage__", id: `message-${node.messageId}`, "data-complete": "false" });
    if (node.author === "chat_break") {
      this.element.append(h("div", { class: "ChatBreak_chatBreak__" }, h("span", {}, "Context cleared")));
    } else if (node.author === "human") {
      this.element.append(question(node.text, node.attachments ?? []));
    } else {
      this.mountAnswer();
    }
    this.update(node);
  }

  mountAnswer() {
    const text = h("div", { class: "Markdown_markdownContainer__" });
    this.markdown = new Markdown(text);
    this.dots = h("div", { class: "Message_loadingDots__", "aria-label": "Loading" }, h("i"), h("i"), h("i"));
    this.bubble = h("div", { class: "Message_botMessageBubble__ Message_leftSideMessageBubble__" }, h("div", { class: "Message_messageTextContainer__" }, text));
    this.after = h("div", { class: "ChatMessage_messageFooter__" });
    this.element.append(
      h(
        "div",
        { class: "Message_row__" },
        avatar(this.bot.displayName),
        h("div", { class: "Message_column__" }, h("div", { class: "BotHeader_name__" }, this.bot.displayName), this.bubble, this.after),
      ),
    );
  }

  /** The message has another text or state. */
  update(node) {
    this.node = node;
    if (!this.markdown) return;
    this.markdown.update(node.text ?? "");
    const running = node.state === "incomplete";
    this.element.dataset.complete = String(!running);
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
    this.after.replaceChildren(...parts);
  }

  actionBar() {
    const button = (name, label, onclick) => h("button", { class: "ChatMessageActionBar_button__", type: "button", "aria-label": label, onclick }, icon(name, { width: "18", height: "18" }));
    const copy = () => navigator.clipboard?.writeText(this.node.text);
    return h("section", { class: "ChatMessageActionBar_actionBar__" }, button("up", "Like"), button("down", "Dislike"), button("copy", "Copy", copy));
  }

  replies(suggestions) {
    const button = (text) => h("button", { class: "ChatMessageSuggestedReplies_suggestedReplyButton__", type: "button", onclick: () => this.actions.suggest(text) }, text);
    return h("div", { class: "ChatMessageSuggestedReplies_suggestedRepliesContainer__" }, ...suggestions.map(button));
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
  return h(
    "div",
    { class: "Message_humanRow__" },
    files.length > 0 && text === "" ? null : h("div", { class: "Message_humanMessageBubble__ Message_rightSideMessageBubble__" }, h("div", { class: "Message_messageTextContainer__" }, shown)),
    files.length > 0 ? h("div", { class: "Attachments_attachments__" }, ...files) : null,
  );
}

function errorBubble(text, tooLong) {
  return h("div", { class: "Message_errorBubble__", role: "alert" }, tooLong ? icon("no", { class: "Message_noSignIcon__" }) : null, h("span", {}, text));
}
