// The footer: prompt box, files, send, stop, clear context.

import { control, editable } from "./controlled.js";
import { h, icon } from "./dom.js";
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
    this.box = editableBox
      ? h("div", { class: "GrowingTextArea_textArea__", contenteditable: "true", role: "textbox", "aria-multiline": "true", "data-placeholder": placeholder, tabindex: "0" })
      : h("textarea", { class: "GrowingTextArea_textArea__", rows: "1", placeholder, autocomplete: "off", spellcheck: "false" });
    this.picker = h("input", { class: "ChatMessageFileInputButton_input__", type: "file", multiple: true, tabindex: "-1" });
    this.chips = h("div", { class: "ChatMessageInputAttachments_container__" });
    this.sendButton = this.habit.send
      ? h("button", { class: `${sendClass} Button_button__`, type: "button", "aria-label": labels.send, "data-button-send": "true" }, icon("send"))
      : null;
    this.stopButton = h("button", { class: "ChatStopMessageButton_stopButton__ Button_button__", type: "button", "aria-label": labels.stop }, icon("stop", { fill: "currentColor" }));
    this.attach = h("button", { class: "ChatMessageFileInputButton_button__ Button_button__", type: "button", "aria-label": "Attach files" }, icon("clip"));
    this.clearButton = h("button", { class: "ChatBreakButton_button__ Button_button__", type: "button", "aria-label": "Clear context" }, icon("broom"));
    this.actionsBox = h("div", { class: "ChatMessageInputContainer_actionContainerRight__" }, this.sendButton);
    footer.replaceChildren(
      h(
        "div",
        { class: "ChatMessageInputFooter_footer__" },
        this.clearButton,
        h(
          "div",
          { class: "ChatMessageInputContainer_inputContainer__" },
          this.chips,
          this.habit.decoy ? h("textarea", { class: "GrowingTextArea_textArea__", hidden: true }) : null,
          h("div", { class: "GrowingTextArea_growWrap__" }, this.box),
          h("div", { class: "ChatMessageInputContainer_buttons__" }, this.attach, this.picker, this.actionsBox),
        ),
      ),
      this.habit.noFreeMessages
        ? h("div", { class: "ChatMessageSendButton_noFreeMessageTooltip__", role: "tooltip" }, "You have no free messages left today. Subscribe to continue.")
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
    return this.value.trim() !== "" || this.files.length > 0;
  }

  get enabled() {
    if (this.habit.noFreeMessages || Date.now() < this.sendFrom) return false;
    if (this.chat.running || this.chat.sending || this.remount) return false;
    return this.hasContent() && this.files.every((file) => file.state === "done");
  }

  send(text = this.value) {
    if (!this.enabled) return;
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
      entry.attachment = await upload(file);
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
  }

  renderChips() {
    const chips = this.files.map((file) =>
      h(
        "div",
        { class: "ChatMessageInputAttachments_attachment__", "data-state": file.state, title: file.error ?? file.name },
        icon("clip", { width: "16", height: "16" }),
        h("span", { class: "ChatMessageInputAttachments_name__" }, file.state === "failed" ? `${file.name}: ${file.error}` : file.name),
        h(
          "button",
          {
            class: "ChatMessageInputAttachments_deleteButton__",
            type: "button",
            "aria-label": "Remove attachment",
            onclick: () => {
              this.files = this.files.filter((each) => each !== file);
              this.renderChips();
              this.renderButtons();
            },
          },
          icon("close", { width: "14", height: "14" }),
        ),
      ),
    );
    this.chips.replaceChildren(...chips);
  }
}
