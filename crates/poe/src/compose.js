// Types the prompt and presses send, once. Resolves to `{ outcome }`: "pressed" (with the times `at`
// which it began, held the text and was sent, in ms since the epoch), or what stood in the way:
// "origin" (with the `origin` of the page), "elsewhere" (with the `path` of the page that is shown
// instead), "prompt_box", "send_button", "no_free_messages".
async (facts, path, prompt, ms) => {
  const clock = () => performance.timeOrigin + performance.now();
  const begun = clock();
  const end = performance.now() + ms;
  const left = () => Math.max(0, end - performance.now());
  const plain = (path) => decodeURIComponent(path).toLowerCase();

  if (!facts.origins.includes(location.origin)) {
    return { outcome: "origin", origin: location.origin };
  }
  if (plain(location.pathname) !== plain(path)) {
    return { outcome: "elsewhere", path: location.pathname };
  }

  // The buttons beside the box: those of the nearest ancestor that has any, and of its form.
  const beside = (box) => {
    const kinds = "button, [role='button'], input[type='submit']";
    let around = box.closest("form, footer") ?? box.parentElement;
    for (let level = 0; level < 5 && around && !around.querySelector(kinds); level += 1) {
      around = around.parentElement;
    }
    return [...(around?.querySelectorAll(kinds) ?? [])];
  };
  // The button that typing has enabled or brought, where no other one has changed so.
  const woken = (box, before) => {
    const now = beside(box).filter((button) => dom.visible(button) && dom.enabled(button));
    const woke = now.filter((button) => !before.has(button));
    return woke.length === 1 ? woke[0] : null;
  };

  // A page that is not alive yet shows a box but does not hear of the text, or wipes it when it
  // wakes up; then send stays disabled or the box is empty again, and it is filled anew.
  for (let patience = 500; ; patience *= 2) {
    dom.find(facts.popup_close)?.click();
    const box = await dom.until(() => dom.find(facts.prompt_box), left());
    if (!box) return { outcome: "prompt_box" };
    if (dom.holds(box, prompt)) dom.fill(box, "");
    const before = new Set(
      beside(box).filter((button) => dom.visible(button) && dom.enabled(button)),
    );
    const began = performance.now();
    dom.fill(box, prompt);
    // A page that takes long over a text need not be asleep.
    patience = Math.max(patience, 3 * (performance.now() - began));
    const shown = () => dom.find(facts.prompt_box) ?? box;
    const holds = () => dom.holds(shown(), prompt);
    const send = await dom.until(() => {
      const button = dom.find(facts.send_button) ?? woken(shown(), before);
      return button && dom.enabled(button) && holds() && button;
    }, Math.min(patience, left()));
    if (send) {
      const filled = clock();
      send.click();
      return { outcome: "pressed", at: [begun, filled, clock()] };
    }
    if (dom.find(facts.no_free_messages)) return { outcome: "no_free_messages" };
    // Enter sends too, and needs no button to be known.
    if (patience > 1000 && holds() && !dom.find(facts.send_button)) {
      const enter = { key: "Enter", code: "Enter", keyCode: 13, bubbles: true, cancelable: true };
      box.focus();
      for (const kind of ["keydown", "keypress", "keyup"]) {
        box.dispatchEvent(new KeyboardEvent(kind, enter));
      }
      return { outcome: "pressed" };
    }
    if (left() === 0) return { outcome: "send_button" };
  }
}
