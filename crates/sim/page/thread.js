// The list of messages, drawn no more often than it can be drawn well.

import { is, toil } from "./app.js";
import { avatar, h, part } from "./dom.js";
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
    this.list = part("list", {}, this.intro);
    this.element = part("scroller", {}, this.list);
    /** A question and its answers stand together, by the number of the first one. */
    this.tuples = new Map();
  }

  /** Draws everything anew, reusing what is there. */
  all(chat) {
    this.dirty.clear();
    const ids = new Set(chat.messages.keys());
    for (const [id, view] of this.views) {
      if (ids.has(id)) continue;
      view.element.remove();
      view.beside.forEach((each) => each.remove());
      this.views.delete(id);
    }
    const previous = is("markup", "2025") ? this.placeInTuples(chat) : this.placeInList(chat);
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

  /** One after another; gives the last element. */
  placeInList(chat) {
    let previous = this.intro;
    for (const node of chat.messages.values()) {
      const view = this.view(node);
      view.update(node);
      if (previous.nextSibling !== view.element) previous.after(view.element);
      previous = view.element;
    }
    return previous;
  }

  /** A question with its answers in one element; gives the last element of the list. */
  placeInTuples(chat) {
    let group = this.intro;
    let tuple = null;
    let previous = null;
    const used = new Set();
    for (const node of chat.messages.values()) {
      const view = this.view(node);
      view.update(node);
      if (node.author === "human" || !tuple) {
        const known = this.tuples.get(node.messageId);
        const element = known ?? part("tupleGroup", {}, part("tuple"));
        this.tuples.set(node.messageId, element);
        used.add(element);
        if (group.nextSibling !== element) group.after(element);
        group = element;
        tuple = element.firstElementChild;
        previous = null;
      }
      const isPlaced = view.element.parentNode === tuple && view.element.previousElementSibling === previous;
      if (!isPlaced) previous ? previous.after(view.element, ...view.beside) : tuple.prepend(view.element, ...view.beside);
      previous = view.beside.at(-1) ?? view.element;
    }
    for (const [id, element] of this.tuples) {
      if (used.has(element)) continue;
      element.remove();
      this.tuples.delete(id);
    }
    return group;
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
    for (const [id, node] of this.dirty) {
      if (is("heavy", "yes")) toil(3);
      this.views.get(id)?.update(node);
    }
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
    const last = [...this.views.values()].filter((view) => view.element.isConnected).sort((one, other) => one.node.messageId - other.node.messageId).at(-1);
    for (const view of this.views.values()) view.setLast(view === last && !this.pending);
  }
}
