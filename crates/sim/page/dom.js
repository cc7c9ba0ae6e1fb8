// Making elements, and the few pictures that the page draws.

import { late, parts } from "./app.js";

/** An element with properties (`class`, `on…`, attributes) and children. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Which part an element is. */
const partOf = new WeakMap();

/** An element of the site's markup, by its name in `parts.json`, with what is its own. */
export function part(name, properties = {}, ...children) {
  const { tag, class: classes, attributes, drift, lateClass } = parts[name];
  const all = { class: classes, ...attributes, ...properties };
  const handlers = Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith("on")));
  const element = h(drift === "missing" ? "div" : tag, handlers, ...children);
  partOf.set(element, parts[name]);
  const dress = () => {
    for (const [key, value] of Object.entries(all)) {
      if (!key.startsWith("on") && value !== null && value !== undefined && value !== false) attribute(element, key, value);
    }
    if (lateClass) setTimeout(() => element.classList.add(lateClass), late);
  };
  if (drift === "late") setTimeout(dress, late);
  else if (drift !== "missing") dress();
  if (drift === "doubled") twin(element);
  return element;
}

/** Sets an attribute of a part, as the site's drifts have it. */
export function attribute(element, name, value) {
  const { attributeDrifts, drift } = partOf.get(element);
  if (drift === "missing") return;
  const text = value === true ? "" : String(value);
  const [how, other] = attributeDrifts[name] ?? [];
  if (how === "missing") return;
  if (how === "renamed") element.setAttribute(`data-${other}`, text);
  else if (how === "other_type") element.setAttribute(name, { true: "1", false: "0" }[text] ?? `v${text}`);
  else if (how === "late") setTimeout(() => element.setAttribute(name, text), late);
  else element.setAttribute(name, text);
}

/** Has a hidden twin of an element before it, once it is on the page. */
function twin(element) {
  const place = () => {
    if (!element.isConnected) return;
    watch.disconnect();
    const other = element.cloneNode(false);
    other.hidden = true;
    element.before(other);
  };
  const watch = new MutationObserver(place);
  watch.observe(document.documentElement, { childList: true, subtree: true });
}

const PATHS = {
  send: "M12 19V5m-6 6 6-6 6 6",
  stop: "M7 7h10v10H7z",
  broom: "M14 4 9 13m-4 7c0-4 2-7 5-7l5 3c0 3-2 4-2 4z",
  clip: "m20 11-8 8a5 5 0 0 1-7-7l8-8a3.500 3.500 0 0 1 5 5l-8 8a1.500 1.500 0 0 1-2-2l7-7",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h10v11H9zM6 15H5V4h10v2",
  up: "M7 11v9H4v-9zm0 0 4-8c2 0 3 1 2 6h6l-2 11H7",
  down: "M17 13V4h3v9zm0 0-4 8c-2 0-3-1-2-6H5l2-11h10",
  menu: "M4 7h16M4 12h16M4 17h16",
  no: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M6 6l12 12",
};

/** A small line drawing. */
export function icon(name, properties = {}) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const all = { viewBox: "0 0 24 24", width: "20", height: "20", fill: "none", stroke: "currentColor", "aria-hidden": "true" };
  for (const [key, value] of Object.entries({ ...all, "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round", ...properties })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A bot's round picture: its first letter on a colour of its own. */
export function avatar(name, size = "") {
  const hue = [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);
  return h("span", { class: `BotImage_botImage__ ${size}`, style: `--hue: ${hue}`, "aria-hidden": "true" }, name.slice(0, 1).toUpperCase());
}
