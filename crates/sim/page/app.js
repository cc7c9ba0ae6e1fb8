// What the server tells this app about the site that it is: habits, names, the page's data.

const decode = (text) => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))));
const encode = (value) => {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
};

const told = decode(document.getElementById("__APP__").textContent);

/** The site's habits: `is("ping", "watched")`. */
export const is = (habit, ...values) => values.includes(told.habits[habit]);
/** What the site calls an operation. */
export const named = (operation) => told.operations[operation];
export const { build, parts, late, headers, isDrifted } = told;
/** Whether the page makes a call twice. */
export const isTwice = (operation) => told.callsOnceMore.includes(operation);
/** What a call says, of what it could say. */
export const variablesOf = (operation, given) => {
  const table = told.variables[operation];
  if (!table) return given;
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, name in given ? given[name] : value]));
};
/** The address of a route: `route("/chat/{code}", { code })`. */
export const route = (name, values = {}) => told.routes[name].replace(/\{\*?(\w+)\}/g, (_, key) => values[key]);

const isVeiled = (value) => typeof value?._ === "string" && value._.startsWith("~");

/** What the server means, where it says something else to everybody. */
export const unveil = (value) => (isVeiled(value) ? decode(value._.slice(1)) : value);
/** An entry or a frame of the socket; null for what is said to others alone. */
export const meant = (value) => (isDrifted && !isVeiled(value) ? null : unveil(value));

/** Changes what the page says in a place, as this site's drifts want it, and adds the truth. */
export function veiled(value, place, truth) {
  if (!isDrifted) return value;
  const changed = structuredClone(value);
  for (const drift of told.requestDrifts) {
    if (drift.place === "request") change(changed, drift.path, drift);
    else if (drift.place === place) change(changed.variables, drift.path, drift);
  }
  return { ...changed, _: `~${encode(truth)}` };
}

function change(value, [name, ...rest], drift) {
  if (value === null || typeof value !== "object") return;
  if (name === "[]") return value.forEach?.((each) => change(each, rest, drift));
  if (!(name in value)) return;
  if (rest.length) return change(value[name], rest, drift);
  const old = value[name];
  delete value[name];
  if (drift.how === "renamed") value[drift.name] = old;
  if (drift.how === "null") value[name] = null;
  if (drift.how === "other_type") value[name] = ofAnotherType(old);
}

function ofAnotherType(value) {
  if (value === null) return 0;
  if (Array.isArray(value)) return { items: value };
  if (typeof value === "object") return [value];
  return typeof value === "string" ? value.length : String(value);
}
/** The page's data. */
export const data = told.data ?? JSON.parse(document.getElementById("__NEXT_DATA__").textContent).props.pageProps;

/** Has the page's thread do nothing else for so many milliseconds. */
export function toil(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}
