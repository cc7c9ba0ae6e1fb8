// Finds a page's elements by what they are and where they stand, and says how they can be found
// again: by attributes, by the beginnings of their classes (the rest changes with every build), or
// by these of what is around them. Evaluates to a function that is given `dom`.
(dom) => {
  const BUTTONS = "button, [role='button'], input[type='submit']";
  const BOXES = "textarea, [contenteditable=''], [contenteditable='true'], [contenteditable='plaintext-only']";
  const FRAMES = ["footer", "form", "main", "section", "header"];
  const MOST_SELECTORS = 3;

  const quoted = (text) => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const isPlain = (text) => /^[A-Za-z][A-Za-z_-]{0,40}$/.test(text);
  // What of a class does not change with a build.
  const prefixOf = (name) => /^[A-Za-z][A-Za-z0-9]*_[A-Za-z][A-Za-z0-9]*__/.exec(name)?.[0] ?? null;
  const prefixesOf = (element) => [...new Set([...element.classList].map(prefixOf).filter(Boolean))];

  // ---- How an element is found again.
  const marksOf = (element) => {
    const data = [];
    const plain = [];
    for (const { name, value } of element.attributes) {
      if (name.startsWith("data-") && isPlain(name)) {
        data.push(isPlain(value) ? `[${name}=${quoted(value)}]` : `[${name}]`);
      } else if (["name", "type", "role", "autocomplete", "contenteditable"].includes(name) && isPlain(value)) {
        plain.push(`${element.localName}[${name}=${quoted(value)}]`);
      }
    }
    // What looks like the element's own name comes before what many have.
    const own = (mark) => /send|submit|stop|prompt|message|input|file|close/i.test(mark);
    data.sort((one, other) => own(other) - own(one));
    const classes = prefixesOf(element).map((prefix) => `[class*=${quoted(prefix)}]`);
    classes.sort((one, other) => own(other) - own(one));
    const id = isPlain(element.id) ? [`#${CSS.escape(element.id)}`] : [];
    return [...data, ...classes, ...id, ...plain];
  };
  const finds = (selector, element) => {
    try {
      const found = [...document.querySelectorAll(selector)];
      const seen = found.filter(dom.visible);
      return dom.visible(element) ? seen.length === 1 && seen[0] === element : found.length === 1 && found[0] === element;
    } catch {
      return false;
    }
  };
  const selectorsOf = (element) => {
    const found = new Set();
    const marks = marksOf(element);
    for (const mark of marks) if (finds(mark, element)) found.add(mark);
    let around = element.parentElement;
    for (let level = 0; level < 8 && around && found.size < MOST_SELECTORS; level += 1) {
      const frames = FRAMES.includes(around.localName) ? [around.localName] : [];
      for (const outer of [...marksOf(around), ...frames]) {
        for (const inner of [...marks, element.localName]) {
          if (finds(`${outer} ${inner}`, element)) found.add(`${outer} ${inner}`);
        }
      }
      around = around.parentElement;
    }
    return [...found].slice(0, MOST_SELECTORS);
  };

  // ---- What can be shown of an element to others. `known` are values that are nobody's secret.
  const HARMLESS = new Set(["true", "false", "button", "submit", "text", "file", "textbox", "dialog", "off", "on"]);
  const shapeOf = (element) => {
    const attributes = {};
    for (const { name, value } of element.attributes) {
      if (name === "class" || !/^[a-z]+(-[a-z]+)*$/.test(name)) continue;
      attributes[name] = HARMLESS.has(value) ? value : value === "" ? "" : "…";
    }
    return { tag: element.localName, classes: prefixesOf(element), attributes };
  };

  // ---- By role and position.
  const middle = (element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  };
  const promptBox = () => {
    const size = (element) => {
      const { width, height } = element.getBoundingClientRect();
      return width * height;
    };
    const boxes = [...document.querySelectorAll(BOXES)].filter((box) => dom.visible(box) && !box.readOnly);
    const low = boxes.filter((box) => box.getBoundingClientRect().bottom > innerHeight / 2);
    const of = low.length > 0 ? low : boxes;
    return of.sort((one, other) => size(other) - size(one))[0] ?? null;
  };
  const beside = (box) => {
    let around = box.closest("form, footer") ?? box.parentElement;
    for (let level = 0; level < 5 && around && !around.querySelector(BUTTONS); level += 1) {
      around = around.parentElement;
    }
    return [...(around?.querySelectorAll(BUTTONS) ?? [])];
  };
  const ready = (box) => beside(box).filter((button) => dom.visible(button) && dom.enabled(button));
  // The button that typing enables; the page gets a word for a moment.
  const sendButton = async (box) => {
    const before = new Set(ready(box));
    const held = dom.text(box);
    let woken = [];
    for (let patience = 500; patience <= 2000 && woken.length === 0; patience *= 2) {
      dom.fill(box, "OK");
      const look = () => ready(box).some((button) => !before.has(button));
      await dom.until(look, patience);
      woken = ready(box).filter((button) => !before.has(button));
    }
    dom.fill(box, held);
    const says = (button) =>
      [...button.attributes].some(({ name, value }) => /^data-.*(send|submit)/.test(name) || (name === "type" && value === "submit"));
    if (woken.length === 1) return woken[0];
    const told = (woken.length > 0 ? woken : beside(box).filter(dom.visible)).filter(says);
    return told.length === 1 ? told[0] : null;
  };
  const fileInput = (box) => {
    const inputs = [...document.querySelectorAll("input[type='file']")];
    for (let around = box?.parentElement; around; around = around.parentElement) {
      const near = inputs.filter((input) => around.contains(input));
      if (near.length > 0) return near[0];
    }
    return inputs.length === 1 ? inputs[0] : null;
  };
  // What closes whatever lies over the box.
  const popupClose = (box) => {
    const over = document.elementFromPoint(...middle(box));
    if (!over || over.contains(box) || box.contains(over)) return null;
    let root = over;
    while (root.parentElement && !root.parentElement.contains(box)) root = root.parentElement;
    const buttons = [...root.querySelectorAll(BUTTONS)].filter(dom.visible);
    const named = buttons.find((button) => /close|dismiss/i.test(button.className));
    const mute = buttons.find((button) => button.textContent.trim() === "");
    return named ?? mute ?? (buttons.length === 1 ? buttons[0] : null);
  };

  return { selectorsOf, shapeOf, prefixesOf, isPlain, promptBox, beside, ready, sendButton, fileInput, popupClose };
}
