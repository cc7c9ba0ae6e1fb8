// How some bots' pages depart from the usual one: one row each.

import { is } from "./app.js";

const ENGLISH = { send: "Send message", stop: "Stop message", box: "Message" };
const GERMAN = { send: "Nachricht senden", stop: "Nachricht stoppen", box: "Nachricht an" };

const USUAL = {
  /** "textarea", "editable" or "none". */
  box: "textarea",
  /** Milliseconds until the box appears. */
  boxAfter: 0,
  /** Milliseconds until the box that is already there is listened to. */
  hydrateAfter: 0,
  /** Milliseconds that send stays disabled after the first text. */
  sendAfter: 0,
  /** Whether files alone cannot be sent. */
  needsText: false,
  /** Whether there is a send button. */
  send: true,
  /** The class of the send button, where it is another one. */
  sendClass: null,
  /** What the buttons and the box are called. */
  labels: is("labels", "de") ? GERMAN : ENGLISH,
  /** Whether the box is made anew, empty, soon after the first text, and sends only then. */
  remounts: false,
  /** Whether a hidden box of the same class stands before the real one. */
  decoy: false,
  /** Milliseconds until a banner lies over the page, which stays there; 0 for none. */
  bannerAfter: 0,
  /** How many dialogs of the browser the page opens, one after another. */
  alerts: 0,
  /** Where the page goes by itself, soon after it was loaded. */
  goesTo: null,
  /** What stands in place of the box: a class, a title and a sentence. */
  notice: null,
  /** Whether a popup covers the page. */
  popup: false,
  /** Whether the free messages are used up. */
  noFreeMessages: false,
};

const HABITS = {
  "no-box": { box: "none" },
  "slow-box": { boxAfter: 2000 },
  "slow-hydration": { hydrateAfter: 1000 },
  "send-disabled": { sendAfter: 1500 },
  "no-send": { send: false },
  "needs-text": { needsText: true },
  popup: { popup: true },
  "content-editable": { box: "editable" },
  "no-free-messages": { noFreeMessages: true },
  "renamed-send": { sendClass: "PromptActions_submit__" },
  localised: { labels: GERMAN },
  remount: { remounts: true },
  decoy: { decoy: true },
  banner: { bannerAfter: 300 },
  alerts: { alerts: 6 },
  reroute: { box: "none", goesTo: "/Solar-Mini" },
  paywall: { box: "none", notice: ["PaywallNotice_section__", "Subscribers only", "Subscribe to talk to this bot."] },
  retired: { box: "none", notice: ["BotUnavailable_section__", "Retired", "This bot is no longer available."] },
};

/** The habit of a name; the usual one for a name that is not known. */
export function habitOf(name) {
  return { ...USUAL, ...HABITS[name] };
}
