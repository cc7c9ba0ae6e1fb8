// A text field under React's rules.
//
// React keeps, on the node itself, what it believes the value to be: an own
// `value` property records every assignment made through the node. On a bubbling
// `input` or `change` event it compares the real value with that record and drops
// the event when they are equal. After an accepted event, and on every render, the
// state is written back, so an assignment that the app never heard of disappears.

/** Puts `node` under those rules; `onChange` hears of accepted events below `root`. */
export function control(node, root, onChange) {
  const native = Object.getOwnPropertyDescriptor(node.constructor.prototype, "value");
  let recorded = String(node.value);
  Object.defineProperty(node, "value", {
    configurable: true,
    enumerable: native.enumerable,
    get() {
      return native.get.call(this);
    },
    set(value) {
      recorded = String(value);
      native.set.call(this, value);
    },
  });

  let state = "";
  const render = (value) => {
    state = value;
    if (node.value !== value) node.value = value;
    if (node.defaultValue !== undefined && node.defaultValue !== value) node.defaultValue = value;
  };
  const heard = (event) => {
    if (event.target !== node) return;
    const real = native.get.call(node);
    if (real === recorded) return;
    recorded = real;
    onChange(real);
    render(state);
  };
  // React listens at its root, so an event that does not bubble is never heard.
  root.addEventListener("input", heard);
  root.addEventListener("change", heard);
  return { render };
}

/** The same surface for an editable element, which no framework controls. */
export function editable(node, onChange) {
  let state = "";
  node.addEventListener("input", () => {
    state = lines(node, [""]).join("\n");
    onChange(state);
  });
  return {
    render(value) {
      if (value === state) return;
      state = value;
      node.textContent = value;
    },
  };
}

/** The lines a person sees: browsers make them of `<div>` or of `<br>`. */
function lines(node, found) {
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) {
      found[found.length - 1] += child.data;
    } else if (child.nodeName === "BR") {
      // At the end of its block it only holds the line open.
      if (child.nextSibling) found.push("");
    } else {
      if (child.previousSibling) found.push("");
      lines(child, found);
    }
  }
  return found;
}
