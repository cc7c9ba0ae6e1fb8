// How a peer speaks with the harness: a JSON object a line, on stdin and stdout.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

/** What runs in the page. */
export const PAGE = readFileSync(new URL("page.js", import.meta.url), "utf8");
export const BOX = "textarea[class*='GrowingTextArea_textArea__']";
/**
 * Fills the box and presses send, in the page and in one call: the libraries' own ways of typing
 * and clicking take a call a key or a frame a step.
 */
export const SEND = async ([box, prompt]) => {
  const textarea = document.querySelector(box);
  const { set } = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
  set.call(textarea, prompt);
  textarea.dispatchEvent(new InputEvent("input", { bubbles: true }));
  const button = "[class*='ChatMessageSendButton_sendButton__']:not([disabled])";
  while (!document.querySelector(button)) await new Promise((resolve) => setTimeout(resolve, 1));
  document.querySelector(button).click();
};
/** So that the profile that the harness has signed in is read. */
export const SWITCHES = ["--password-store=basic", "--use-mock-keychain", "--no-sandbox"];
/** A stamp: microseconds since the epoch. */
const STAMP = /\b\d{16}\b/g;

/** A package that is installed in the directory which the harness names. */
export const library = createRequire(`${process.argv[2]}/`);

const now = () => Math.round((performance.timeOrigin + performance.now()) * 1000);
const say = (words) => process.stdout.write(`${JSON.stringify(words)}\n`);

/** What came of one answer. */
class Answer {
  constructor(began, onFirst) {
    Object.assign(this, { began, onFirst, first: null, pieces: [], text: "" });
    this.ended = new Promise((resolve) => (this.end = resolve));
  }

  take({ piece, done }) {
    const at = now();
    if (this.first === null && piece) {
      this.first = at - this.began;
      this.onFirst();
    }
    for (const [stamp] of piece.matchAll(STAMP)) this.pieces.push([Number(stamp), at - Number(stamp)]);
    this.text += piece;
    this.enough?.();
    if (done) this.end();
  }

  /** Until so many pieces have come. */
  async has(pieces) {
    while (this.pieces.length < pieces) await new Promise((resolve) => (this.enough = resolve));
  }

  get heard() {
    return { first_us: this.first, pieces: this.pieces, text: this.text };
  }
}

/**
 * Serves the harness. `open({site, profile, browser})` starts the browser and gives
 * `{version, page(url, tell), close()}`; a page gives `{send(prompt), close()}`.
 */
export async function serve(open) {
  let browser;
  let url;
  const ready = [];
  const held = [];

  const page = async () => {
    const found = { tell: () => {} };
    found.page = await browser.page(url, (text) => found.tell(JSON.parse(text)));
    return found;
  };

  const begin = async (prompt, streams) => {
    const began = now();
    let told = false;
    const onFirst = () => {
      if (!told) say({ first: true });
      told = true;
    };
    const asked = Array.from({ length: streams }, async () => {
      const answer = new Answer(began, onFirst);
      const found = ready.pop() ?? (await page());
      found.tell = (told) => answer.take(told);
      await found.page.send(prompt);
      return { page: found.page, answer };
    });
    return Promise.all(asked);
  };

  const commands = {
    async open(options) {
      browser = await open(options);
      url = `${options.site}/GPT-4`;
      return { version: browser.version };
    },
    async ready({ pages }) {
      const missing = Array.from({ length: pages - ready.length }, page);
      ready.push(...(await Promise.all(missing)));
      return {};
    },
    async ask({ prompt, streams }) {
      const asked = await begin(prompt, streams);
      await Promise.all(asked.map(({ answer }) => answer.ended));
      await Promise.all(asked.map(({ page }) => page.close()));
      return { streams: asked.map(({ answer }) => answer.heard) };
    },
    async hold({ prompt, streams, pieces }) {
      const asked = await begin(prompt, streams);
      held.push(...asked.map(({ page }) => page));
      await Promise.all(asked.map(({ answer }) => answer.has(pieces)));
      return {};
    },
    async release() {
      await Promise.all(held.splice(0).map((page) => page.close()));
      return {};
    },
    async close() {
      await browser?.close();
      return {};
    },
  };

  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    try {
      say(await commands[command.do](command));
    } catch (error) {
      say({ error: String(error) });
    }
    if (command.do === "close") break;
  }
  process.exit(0);
}
