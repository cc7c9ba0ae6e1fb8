// The document's structure, as HTML, without anybody's words: element names, classes and the shape
// of the tree stay; of text only its length does. What is not known to be harmless is blanked.
// `words` are those that may stay in ids and addresses. The page itself is left as it is.
(words) => {
  const LONGEST = 2_000_000;
  const known = new Set([...words, "_next", "static", "__next"]);
  const KEPT = new Set([
    "accept", "autocomplete", "charset", "class", "contenteditable", "dir", "disabled", "enctype",
    "height", "hidden", "inputmode", "lang", "maxlength", "method", "multiple", "name", "readonly",
    "rel", "required", "role", "rows", "spellcheck", "tabindex", "target", "type", "viewbox",
    "width",
  ]);
  const ADDRESSES = new Set(["action", "formaction", "href", "poster", "src", "xlink:href"]);
  const DROPPED = "script, style, template, noscript, svg > *";

  const blank = (text) => text.replace(/[^\s]/gu, "x");

  const address = (text) => {
    const bare = text.split(/[?#]/, 1)[0];
    if (/^(?!https?:)[a-z][a-z0-9+.-]*:/i.test(bare)) return bare.slice(0, bare.indexOf(":") + 1);
    const part = (word) =>
      known.has(word) || word === location.host || /^https?:$/.test(word)
        ? word
        : word.replace(/[^.]/gu, "x");
    return bare.split("/").map(part).join("/");
  };

  // The language of a piece of code is the answer's word.
  const classes = (text) => text.replace(/\b(language|lang|hljs)-\S+/g, "$1-x");

  const style = (text) =>
    text
      .split(";")
      .filter((rule) => /^\s*(display|visibility|opacity|position|overflow)\s*:\s*[a-z0-9.]+\s*$/i.test(rule))
      .join(";");

  const redacted = (name, value) => {
    if (name === "class") return classes(value);
    if (name === "style") return style(value);
    if (ADDRESSES.has(name)) return address(value);
    if (KEPT.has(name) || /^(true|false|\d{0,2})$/.test(value)) return value;
    if (name === "id" && known.has(value)) return value;
    return name === "id" ? value.replace(/[^_-]/gu, "x") : blank(value);
  };

  const copy = document.documentElement.cloneNode(true);
  for (const element of copy.querySelectorAll(DROPPED)) element.remove();
  const comments = [];
  const walker = document.createTreeWalker(copy, NodeFilter.SHOW_ALL);
  for (let node = copy; node; node = walker.nextNode()) {
    if (node.nodeType === Node.ELEMENT_NODE) {
      for (const { name, value } of [...node.attributes]) {
        node.setAttribute(name, redacted(name.toLowerCase(), value));
      }
    } else if (node.nodeType === Node.TEXT_NODE) {
      node.data = blank(node.data);
    } else {
      comments.push(node);
    }
  }
  for (const comment of comments) comment.remove();
  return `<!DOCTYPE html>\n${copy.outerHTML}\n`.slice(0, LONGEST);
}
