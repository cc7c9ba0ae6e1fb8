// The page's calls to its server.

import { build, headers as sent, is, isTwice, named, route, unveil, variablesOf, veiled } from "./app.js";

let channel = "";

/** Every later call names this channel. */
export function setChannel(name) {
  channel = name;
}

/** One call; gives `data`, throws what the user should read. */
export async function gql(operation, variables) {
  const headers = { "content-type": "application/json", ...headersOf(operation) };
  const call = { method: "POST", headers, body: bodyOf(operation, variables) };
  const reply = transport(route("/api/gql_POST"), call);
  if (isTwice(operation)) transport(route("/api/gql_POST"), call).catch(() => null);
  return unwrap(await reply);
}

/** A call that carries files. */
export async function gqlWithFiles(operation, variables, files) {
  const form = new FormData();
  form.append("queryInfo", bodyOf(operation, variables));
  files.forEach((file, index) => form.append(`file${index}`, file, file.name));
  return unwrap(await transport(route("/api/gql_upload_POST"), { method: "POST", headers: headersOf(operation), body: form }));
}

/** Uploads one file; gives its attachment. */
export async function upload(file) {
  if (is("files", "token")) {
    const form = new FormData();
    form.append("file", file, file.name);
    const reply = await transport(route("/api/finish_upload_POST"), { method: "POST", headers: headersOf(null), body: form });
    const { token, error } = JSON.parse(reply.text || "{}");
    if (!token) throw new Error(error ?? "Something went wrong. Please try again.");
    return { id: token };
  }
  const { attachmentUpload } = await gqlWithFiles("UploadAttachmentMutation", {}, [file]);
  if (attachmentUpload.status !== "success") throw new Error(attachmentUpload.statusMessage);
  return attachmentUpload.attachments[0];
}

/** The settings of the account's channel. */
export async function settings() {
  const reply = await window.fetch(route("/api/settings"), { headers: channel ? { "poe-tchannel": channel } : {} });
  return unveil(await reply.json());
}

/** The data of a chat's page, as for a page that is there already. */
export async function nextData(code) {
  const headers = { "x-nextjs-data": "1", ...(channel && { "poe-tchannel": channel }) };
  const path = route("/_next/data/{build}/{*path}", { build, path: `chat/${code}.json` });
  const reply = await window.fetch(`${path}?chatCode=${code}`, { headers });
  if (!reply.ok) throw new Error("The page's data cannot be read.");
  return unveil(await reply.json()).pageProps;
}

function bodyOf(operation, given) {
  const variables = variablesOf(operation, given);
  const call = { queryName: named(operation), variables, extensions: { hash: hash(operation) } };
  if (is("operation-place", "header")) delete call.queryName;
  return JSON.stringify(veiled(call, `variable:${operation}`, { operation, variables, channel }));
}

function headersOf(operation) {
  const all = { "poe-tchannel": channel, "poe-queryname": operation && named(operation), "poe-formkey": build, "poe-revision": build, "poe-tag-id": build.slice(0, 8), poegraphql: "1" };
  const headers = {};
  for (const [name, as] of Object.entries(sent)) if (as && all[name]) headers[as] = String(all[name]);
  return headers;
}

/** Sends as the site does; gives `{status, text}`. */
async function transport(address, { method, headers, body }) {
  if (is("transport", "xhr")) return byXhr(address, method, headers, body);
  const init = { method, headers, body };
  const reply = await (is("transport", "request") ? window.fetch(new window.Request(address, init)) : window.fetch(address, init));
  return { status: reply.status, text: await reply.text() };
}

function byXhr(address, method, headers, body) {
  return new Promise((done, failed) => {
    const call = new window.XMLHttpRequest();
    call.open(method, address);
    for (const [name, value] of Object.entries(headers)) call.setRequestHeader(name, value);
    call.onload = () => done({ status: call.status, text: call.responseText });
    call.onerror = () => failed(new TypeError("Failed to fetch"));
    call.send(body);
  });
}

// The real build sends the hash of a query it keeps on the server: a constant per name.
function hash(operation) {
  let text = "";
  for (let part = 0; part < 8; part++) {
    let sum = part * 7919;
    for (const letter of operation) sum = (Math.imul(sum, 31) + letter.codePointAt(0)) >>> 0;
    text += sum.toString(16).padStart(8, "0");
  }
  return text;
}

function unwrap({ status, text }) {
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // A page instead of a reply.
  }
  if (status === 401) throw new Error("Your session has ended. Please log in again.");
  if (status === 429) throw new Error("Too many requests. Please wait a moment and try again.");
  if (status >= 400 || !body) throw new Error("Something went wrong. Please check your connection and try again.");
  body = unveil(body);
  if (!body.data) throw new Error(body.errors?.[0]?.message ?? "Something went wrong. Please try again.");
  return body.data;
}
