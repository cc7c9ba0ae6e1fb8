// The list of messages, drawn no more often than it can be drawn well.

import { avatar, h } from "./dom.js";
import { MessageView, pendingView } from "./message.js";

/** A page without frames (in the background, or undrawn) is served by this timer. */
const WITHOUT_FRAMES = 100;
const LONGEST_WAIT = 1000;
/** Within this distance of the end, the list follows new text. */
const NEAR_END = 120;

export class Thread {
  constructor(bot, actions) {
    this.bot = bot;
    this.actions = actions;
    this.views = new Map();
    this.dirty = new Map();
    this.scheduled = false;
    this.cost = 0;
    this.drawnAt = 0;
    this.intro = h(
      "div",
      { class: "BotInfoCard_card__" },
      avatar(bot.displayName, "large"),
      h("h1", {}, bot.displayName),
      h("p", {}, bot.description),
    );
    this.list = h("div", { class: "ChatMessagesView_infiniteScroll__" }, this.intro);
    this.element = h("div", { class: "ChatMessagesScrollWrapper_scrollableContainer__" }, this.list);
  }

  /** Draws everything anew, reusing what is there. */
  all(chat) {
    this.dirty.clear();
    const ids = new Set(chat.messages.keys());
    for (const [id, view] of this.views) {
      if (ids.has(id)) continue;
      view.element.remove();
      this.views.delete(id);
    }
    let previous = this.intro;
    for (const node of chat.messages.values()) {
      const view = this.view(node);
      view.update(node);
      if (previous.nextSibling !== view.element) previous.after(view.element);
      previous = view.element;
    }
    this.pending?.remove();
    this.pending = null;
    if (chat.pending) {
      this.pending = pendingView(chat.pending);
      previous.after(this.pending);
    }
    this.intro.hidden = ids.size > 0 || Boolean(chat.pending);
    this.markLast();
    this.element.scrollTop = this.element.scrollHeight;
  }

  /** One message has changed; it is drawn soon. */
  changed(node) {
    this.dirty.set(node.messageId, node);
    if (this.scheduled) return;
    this.scheduled = true;
    // A long text takes long to draw: leave the page most of the time.
    const wait = Math.min(this.drawnAt + 4 * this.cost - performance.now(), LONGEST_WAIT);
    if (this.cost > 8 && wait > 0) setTimeout(() => this.soon(), wait);
    else this.soon();
  }

  soon() {
    let done = false;
    const draw = () => {
      if (done) return;
      done = true;
      this.draw();
    };
    requestAnimationFrame(draw);
    setTimeout(draw, WITHOUT_FRAMES);
  }

  draw() {
    const start = performance.now();
    this.scheduled = false;
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    const follows = scrollHeight - scrollTop - clientHeight < NEAR_END;
    for (const [id, node] of this.dirty) this.views.get(id)?.update(node);
    this.dirty.clear();
    if (follows) this.element.scrollTop = this.element.scrollHeight;
    this.drawnAt = performance.now();
    this.cost = this.drawnAt - start;
  }

  view(node) {
    let view = this.views.get(node.messageId);
    if (!view) {
      view = new MessageView(node, this.bot, this.actions);
      this.views.set(node.messageId, view);
    }
    return view;
  }

  markLast() {
    const last = this.list.lastElementChild;
    for (const view of this.views.values()) view.setLast(view.element === last);
  }
}
