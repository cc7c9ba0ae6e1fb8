// How some bots' pages depart from the usual one: one row each.

const USUAL = {
  /** "textarea", "editable" or "none". */
  box: "textarea",
  /** Milliseconds until the box appears. */
  boxAfter: 0,
  /** Milliseconds until the box that is already there is listened to. */
  hydrateAfter: 0,
  /** Milliseconds that send stays disabled after the first text. */
  sendAfter: 0,
  /** Whether there is a send button. */
  send: true,
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
  popup: { popup: true },
  "content-editable": { box: "editable" },
  "no-free-messages": { noFreeMessages: true },
};

/** The habit of a name; the usual one for a name that is not known. */
export function habitOf(name) {
  return { ...USUAL, ...HABITS[name] };
}
