// Markdown to elements, block by block, so that a growing text costs what is new.

import { h } from "./dom.js";

/** A longer block is shown as plain text: its inline marks are not worth the time. */
const LONGEST_INLINE = 20000;

/** Shows a text that grows, and sometimes changes altogether. */
export class Markdown {
  constructor(container) {
    this.container = container;
    this.text = "";
    this.blocks = [];
  }

  update(text) {
    if (text === this.text) return;
    // Everything before the last block stays as it is while the text only grows.
    const last = this.blocks.at(-1);
    const grows = last && text.startsWith(this.text.slice(0, last.start));
    const kept = grows ? this.blocks.slice(0, -1) : [];
    const fresh = split(text, grows ? last.start : 0);
    const blocks = kept.concat(fresh);
    for (let index = kept.length; index < blocks.length; index++) {
      const old = this.blocks[index];
      const block = blocks[index];
      if (old && old.kind === block.kind && old.source === block.source) {
        block.element = old.element;
        continue;
      }
      block.element = element(block);
      if (old) old.element.replaceWith(block.element);
      else this.container.append(block.element);
    }
    for (const old of this.blocks.slice(blocks.length)) old.element.remove();
    this.blocks = blocks;
    this.text = text;
  }
}

const FENCE = /^\s*(```|~~~)\s*([\w+#.-]*)/;
const HEADING = /^(#{1,6})\s+(.*)/;
const ITEM = /^\s*([-*+]|\d+[.)])\s+/;
const QUOTE = /^\s*>\s?/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const TABLE = /^\s*\|.*\|\s*$/;

/** The blocks of a text from a position on: `{kind, source, start}`. */
function split(text, from) {
  const blocks = [];
  let at = from;
  while (at < text.length) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end);
    if (line.trim() === "") {
      at = end + 1;
      continue;
    }
    const kind = kindOf(line);
    let stop = end;
    if (kind === "code") {
      stop = fenceEnd(text, end, line.trim().slice(0, 3));
    } else if (kind !== "heading" && kind !== "rule") {
      while (stop < text.length) {
        const next = lineEnd(text, stop + 1);
        const following = text.slice(stop + 1, next);
        if (following.trim() === "" || !continues(kind, following)) break;
        stop = next;
      }
    }
    blocks.push({ kind, source: text.slice(at, stop), start: at });
    at = stop + 1;
  }
  return blocks;
}

function lineEnd(text, at) {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

function kindOf(line) {
  if (FENCE.test(line)) return "code";
  if (HEADING.test(line)) return "heading";
  if (RULE.test(line)) return "rule";
  if (ITEM.test(line)) return "list";
  if (QUOTE.test(line)) return "quote";
  if (TABLE.test(line)) return "table";
  return "paragraph";
}

function continues(kind, line) {
  const own = kindOf(line);
  if (own === kind) return true;
  if (kind === "list" || kind === "quote") return own === "paragraph";
  return false;
}

function fenceEnd(text, from, fence) {
  let at = from;
  while (at < text.length) {
    const end = lineEnd(text, at + 1);
    if (text.slice(at + 1, end).trim() === fence) return end;
    at = end;
  }
  return text.length;
}

function element({ kind, source }) {
  switch (kind) {
    case "code":
      return code(source);
    case "heading": {
      const [, marks, words] = HEADING.exec(source);
      return h(`h${marks.length}`, {}, ...inline(words));
    }
    case "rule":
      return h("hr");
    case "list":
      return list(source);
    case "quote":
      return h("blockquote", {}, ...inline(source.replace(/^\s*>\s?/gm, "")));
    case "table":
      return table(source);
    default:
      return h("p", {}, ...inline(source));
  }
}

function code(source) {
  const lines = source.split("\n");
  const [, fence, language] = FENCE.exec(lines.shift());
  if (lines.at(-1)?.trim() === fence) lines.pop();
  return h(
    "div",
    { class: "MarkdownCodeBlock_container__" },
    h("div", { class: "MarkdownCodeBlock_header__" }, language || "text"),
    h("pre", { class: "MarkdownCodeBlock_preTag__" }, h("code", { class: language && `language-${language}` }, lines.join("\n"))),
  );
}

function list(source) {
  const items = [];
  for (const line of source.split("\n")) {
    if (ITEM.test(line) || items.length === 0) items.push(line.replace(ITEM, ""));
    else items[items.length - 1] += `\n${line.trim()}`;
  }
  const first = /^\s*(\d+)/.exec(source);
  return h(first ? "ol" : "ul", { start: first?.[1] }, ...items.map((item) => h("li", {}, ...inline(item))));
}

function table(source) {
  const rows = source.split("\n").map((line) => line.trim().replace(/^\||\|$/g, "").split("|"));
  const ruled = rows[1]?.every((cell) => /^\s*:?-+:?\s*$/.test(cell));
  const row = (cells, tag) => h("tr", {}, ...cells.map((cell) => h(tag, {}, ...inline(cell.trim()))));
  const head = ruled ? [h("thead", {}, row(rows[0], "th"))] : [];
  const body = rows.slice(ruled ? 2 : 0).map((cells) => row(cells, "td"));
  return h("div", { class: "Markdown_tableContainer__" }, h("table", {}, ...head, h("tbody", {}, ...body)));
}

const MARKS = /(`+)([^`]+?)\1|\*\*([^*]+?)\*\*|\*([^*\s][^*]*?)\*|\[([^\]]+)\]\((https?:[^\s)]+)\)|(https?:\/\/[^\s<>)]+)/g;

/** Code, bold, italic and links inside a block. */
function inline(text) {
  if (text.length > LONGEST_INLINE) return [text];
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(MARKS)) {
    if (match.index > at) nodes.push(text.slice(at, match.index));
    const [all, , coded, bold, italic, label, target, bare] = match;
    if (coded !== undefined) nodes.push(h("code", {}, coded));
    else if (bold !== undefined) nodes.push(h("strong", {}, ...inline(bold)));
    else if (italic !== undefined) nodes.push(h("em", {}, ...inline(italic)));
    else nodes.push(h("a", { href: target ?? bare, target: "_blank", rel: "noopener noreferrer" }, label ?? bare));
    at = match.index + all.length;
  }
  if (at < text.length) nodes.push(text.slice(at));
  return nodes;
}
