// The footer: prompt box, files, send, stop, clear context.

import { is } from "./app.js";
import { control, editable } from "./controlled.js";
import { h, icon, part } from "./dom.js";
import { price } from "./frame.js";
import { upload } from "./gql.js";

/** Up to this many characters the box grows with its text; beyond, measuring costs too much. */
const GROWS_UP_TO = 5000;
const TALLEST = 240;

export class Composer {
  /** `actions` has `send(text, files)`, `stop()`, `clear()`. */
  constructor(footer, root, habit, botName, actions) {
    this.root = root;
    this.habit = habit;
    this.botName = botName;
    this.actions = actions;
    this.value = "";
    this.files = [];
    this.chat = { running: false, sending: false };
    this.sendFrom = 0;
    this.field = { render() {} };
    if (habit.box === "none") return;
    if (habit.boxAfter) setTimeout(() => this.mount(footer), habit.boxAfter);
    else this.mount(footer);
  }

  mount(footer) {
    const editableBox = this.habit.box === "editable";
    const { labels, sendClass } = this.habit;
    const placeholder = `${labels.box} ${this.botName}`;
    this.box = editableBox ? part("editableBox", { "data-placeholder": placeholder }) : part("box", { placeholder });
    this.picker = part("filePicker");
    this.chips = part("attachments");
    const own = { "aria-label": labels.send, ...(sendClass && { class: `${sendClass} Button_button__` }) };
    this.sendButton = this.habit.send ? part("send", own, icon("send")) : null;
    this.stopButton = part("stop", { "aria-label": labels.stop }, icon("stop", { fill: "currentColor" }));
    this.attach = part("attach", {}, icon("clip"));
    this.clearButton = part("clear", {}, icon("broom"));
    this.actionsBox = h("div", { class: "ChatMessageInputContainer_actionContainerRight__" }, this.sendButton);
    const container = part(
      "inputContainer",
      {},
      this.chips,
      this.habit.decoy ? h("textarea", { class: "GrowingTextArea_textArea__", hidden: true }) : null,
      part("growWrap", {}, this.box),
      h("div", { class: "ChatMessageInputContainer_buttons__" }, this.attach, this.picker, this.actionsBox),
    );
    footer.replaceChildren(
      part("inputFooter", {}, this.clearButton, is("markup", "2025") ? part("dropTarget", {}, container) : container),
      this.habit.noFreeMessages
        ? part("noFreeMessages", {}, "You have no free messages left today. Subscribe to continue.")
        : h("p", { class: "ChatPageDisclaimer_disclaimer__" }, "A local imitation for tests and demos: the answers are made up."),
    );
    this.renderButtons();
    if (this.habit.hydrateAfter) setTimeout(() => this.hydrate(editableBox), this.habit.hydrateAfter);
    else this.hydrate(editableBox);
  }

  /** From here on the app listens. */
  hydrate(editableBox) {
    const onChange = (value) => this.changed(value);
    this.field = editableBox ? editable(this.box, onChange) : control(this.box, this.root, onChange);
    if (this.habit.hydrateAfter) this.render();
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.sendButton?.addEventListener("click", () => this.send());
    this.stopButton.addEventListener("click", () => this.actions.stop());
    this.clearButton.addEventListener("click", () => this.actions.clear());
    this.attach.addEventListener("click", () => this.picker.click());
    this.picker.addEventListener("change", () => {
      const picked = [...this.picker.files];
      this.picker.value = "";
      picked.forEach((file) => this.add(file));
    });
  }

  changed(value) {
    if (this.value === "" && value !== "" && this.habit.sendAfter) {
      this.sendFrom = Date.now() + this.habit.sendAfter;
      setTimeout(() => this.render(), this.habit.sendAfter);
    }
    if (this.habit.remounts && this.remount === undefined && value !== "") {
      this.remount = setTimeout(() => this.mountAgain(), 200);
    }
    this.value = value;
    this.render();
  }

  /** A new box, which knows nothing of the text in the old one. */
  mountAgain() {
    this.remount = null;
    this.value = "";
    this.mount(this.box.closest("footer"));
  }

  /** Enter sends the state, not what the node says; with an empty state it is a plain key. */
  key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    if (!this.hasContent()) return;
    event.preventDefault();
    this.send();
  }

  hasContent() {
    return this.value.trim() !== "" || (this.files.length > 0 && !this.habit.needsText);
  }

  get enabled() {
    if (this.habit.noFreeMessages || Date.now() < this.sendFrom) return false;
    if (this.chat.running || this.chat.sending || this.remount) return false;
    return this.hasContent() && this.files.every((file) => file.state === "done");
  }

  send(isAgreed = false) {
    if (!this.enabled) return;
    if (is("price", "asked") && isAgreed !== true) {
      price(() => this.send(true));
      return;
    }
    const text = this.value;
    const files = this.files.map((file) => file.attachment);
    this.value = "";
    this.files = [];
    this.renderChips();
    this.render();
    this.actions.send(text, files);
  }

  /** Sends a suggested reply, when the chat is free. */
  suggest(text) {
    if (this.habit.noFreeMessages || this.chat.running || this.chat.sending) return;
    this.actions.send(text, []);
  }

  /** The chat became busy or free. */
  busy(running, sending) {
    if (this.chat.running === running && this.chat.sending === sending) return;
    this.chat = { running, sending };
    if (this.box) this.renderButtons();
  }

  async add(file) {
    const entry = { name: file.name, state: "uploading", attachment: null };
    this.files.push(entry);
    this.renderChips();
    try {
      entry.attachment = is("files", "with") ? { file, name: file.name } : { name: file.name, ...(await upload(file)) };
      entry.state = "done";
    } catch (error) {
      entry.state = "failed";
      entry.error = error.message;
    }
    this.renderChips();
    this.renderButtons();
  }

  render() {
    this.field.render(this.value);
    this.grow();
    this.renderButtons();
  }

  grow() {
    if (this.habit.box === "editable") return;
    const { style } = this.box;
    if (this.value.length > GROWS_UP_TO) {
      style.height = `${TALLEST}px`;
      return;
    }
    style.height = "auto";
    style.height = `${Math.min(this.box.scrollHeight, TALLEST)}px`;
  }

  renderButtons() {
    if (this.sendButton) this.sendButton.disabled = !this.enabled;
    const shown = this.stopButton.isConnected;
    if (this.chat.running && !shown) this.actionsBox.prepend(this.stopButton);
    if (!this.chat.running && shown) this.stopButton.remove();
    if (!this.sendButton || is("stop-button", "beside")) return;
    if (this.chat.running) this.sendButton.remove();
    else if (!this.sendButton.isConnected) this.actionsBox.append(this.sendButton);
  }

  renderChips() {
    const chip = (file) => {
      const name = file.state === "failed" ? `${file.name}: ${file.error}` : file.name;
      const remove = () => {
        this.files = this.files.filter((each) => each !== file);
        this.renderChips();
        this.renderButtons();
      };
      return part(
        "attachment",
        { "data-state": file.state, title: file.error ?? file.name },
        icon("clip", { width: "16", height: "16" }),
        part("attachmentName", {}, name),
        part("attachmentRemove", { onclick: remove }, icon("close", { width: "14", height: "14" })),
      );
    };
    const chips = this.files.map(chip);
    this.chips.replaceChildren(...chips);
  }
}
