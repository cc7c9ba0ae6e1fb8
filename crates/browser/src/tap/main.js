// The tap in the page's world: numbers what the site's part emits, and hands it to the relay in the
// other world. It works on what it takes at the document's start, and looks nothing up later that a
// page could have changed by then: no method of a value, no global object, no inherited property.
(meeting, part) => {
  "use strict";
  if (window.top !== window) return;
  const { apply } = Reflect;
  const { keys } = Object;
  const { isArray } = Array;
  const { stringify } = JSON;
  const { dispatchEvent } = EventTarget.prototype;
  const Told = StorageEvent;

  // As `JSON.stringify` writes values that came of JSON, but for `toJSON`, which is not asked.
  const write = (value) => {
    if (value === null || typeof value !== "object") return stringify(value) ?? "null";
    let text = "";
    if (isArray(value)) {
      for (let at = 0; at < value.length; at += 1) text += (at > 0 ? "," : "") + write(value[at]);
      return `[${text}]`;
    }
    const names = keys(value);
    for (let at = 0; at < names.length; at += 1) {
      const held = value[names[at]];
      if (held === undefined) continue;
      text += `${text === "" ? "" : ","}${stringify(names[at])}:${write(held)}`;
    }
    return `{${text}}`;
  };

  const way = new EventTarget();
  apply(dispatchEvent, window, [new FocusEvent(meeting, { relatedTarget: way })]);
  const origin = `${Math.random().toString(36).slice(2)}${performance.timeOrigin}`;
  let number = 0;
  const emit = (message) => {
    const newValue = `["${origin}",${number},${write(message)}]`;
    number += 1;
    apply(dispatchEvent, way, [new Told(meeting, { __proto__: null, newValue })]);
  };
  emit(null);
  part(emit);
}
