// Runs in the page before its own scripts: tells each piece of the page's own answer, as
// `tell(JSON of {piece, done})`, and parses nothing of other chats' answers.
(() => {
  let answer = null;
  let early = [];
  let known = 0;

  const take = (frame) => {
    if (!frame.includes(answer)) return;
    for (const text of JSON.parse(frame).messages ?? []) {
      const added = JSON.parse(text).payload?.data?.messageAdded;
      if (String(added?.messageId) !== answer) continue;
      const piece = added.text.slice(known);
      const done = added.state === "complete";
      known = added.text.length;
      if (piece || done) window.tell(JSON.stringify({ piece, done }));
    }
  };

  const NativeSocket = window.WebSocket;
  window.WebSocket = class extends NativeSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data }) => (answer === null ? early.push(data) : take(data)));
    }
  };

  const nativeFetch = window.fetch;
  window.fetch = async (...given) => {
    const response = await nativeFetch(...given);
    if (String(given[1]?.body).includes("SendMessageMutation")) {
      const reply = await response.clone().json();
      answer = String(reply.data.messageEdgeCreate.botMessage.node.messageId);
      early.forEach(take);
      early = null;
    }
    return response;
  };
})();
