// The page's calls to its server.

let channel = "";

/** Every later call names this channel. */
export function setChannel(name) {
  channel = name;
}

/** One call; gives `data`, throws what the user should read. */
export async function gql(queryName, variables) {
  const reply = await window.fetch("/api/gql_POST", {
    method: "POST",
    headers: headers({ "content-type": "application/json" }, queryName),
    body: JSON.stringify({ queryName, variables, extensions: { hash: hash(queryName) } }),
  });
  return unwrap(reply);
}

/** Uploads one file; gives its attachment. */
export async function upload(file) {
  const form = new FormData();
  const queryName = "UploadAttachmentMutation";
  form.append("queryInfo", JSON.stringify({ queryName, variables: {}, extensions: { hash: hash(queryName) } }));
  form.append("file0", file, file.name);
  const reply = await window.fetch("/api/gql_upload_POST", { method: "POST", headers: headers({}, queryName), body: form });
  const { attachmentUpload } = await unwrap(reply);
  if (attachmentUpload.status !== "success") throw new Error(attachmentUpload.statusMessage);
  return attachmentUpload.attachments[0];
}

/** The settings of the account's channel. */
export async function settings() {
  const reply = await window.fetch("/api/settings");
  return reply.json();
}

function headers(more, queryName) {
  return { ...more, ...(channel && { "poe-tchannel": channel }), "poe-queryname": queryName };
}

// The real build sends the hash of a query it keeps on the server: a constant per name.
function hash(queryName) {
  let text = "";
  for (let part = 0; part < 8; part++) {
    let sum = part * 7919;
    for (const letter of queryName) sum = (Math.imul(sum, 31) + letter.codePointAt(0)) >>> 0;
    text += sum.toString(16).padStart(8, "0");
  }
  return text;
}

async function unwrap(reply) {
  const body = await reply.json().catch(() => null);
  if (reply.status === 401) throw new Error("Your session has ended. Please log in again.");
  if (reply.status === 429) throw new Error("Too many requests. Please wait a moment and try again.");
  if (!reply.ok || !body) throw new Error("Something went wrong. Please check your connection and try again.");
  if (!body.data) throw new Error(body.errors?.[0]?.message ?? "Something went wrong. Please try again.");
  return body.data;
}
