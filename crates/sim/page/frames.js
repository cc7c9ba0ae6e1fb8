// The page's own count of the frames on its socket, told to the server's log: it shows whether
// something between the two keeps any from the page.

/** Milliseconds between two reports. */
const BETWEEN = 500;

let heard = { frames: 0, entries: 0, missing: 0 };
let seq = null;
let timer;

/** The stream goes on after this number. */
export function startsAfter(minSeq) {
  seq = Number(minSeq);
}

/** A frame with entries came. */
export function count({ messages, min_seq }) {
  heard.frames += 1;
  heard.entries += messages.length;
  const first = Number(min_seq) - messages.length + 1;
  const lost = messages.length > 0 && Number.isFinite(first) ? Math.max(0, first - seq - 1) : 0;
  if (messages.length > 0 && Number.isFinite(first)) seq = Math.max(seq, Number(min_seq));
  heard.missing += lost;
  if (lost) report();
  else timer ??= setTimeout(report, BETWEEN);
}

function report() {
  clearTimeout(timer);
  timer = undefined;
  navigator.sendBeacon("/sim/frames", JSON.stringify(heard));
}

addEventListener("pagehide", () => heard.frames > 0 && report());
