// Types the prompt and presses send, once. Resolves to `{ outcome }`: "pressed", or what stood in
// the way: "elsewhere" (with the `path` of the page that is shown instead), "prompt_box",
// "send_button", "no_free_messages".
async (selectors, path, prompt, ms) => {
  const end = performance.now() + ms;
  const left = () => Math.max(0, end - performance.now());
  const plain = (path) => decodeURIComponent(path).toLowerCase();

  if (plain(location.pathname) !== plain(path)) {
    return { outcome: "elsewhere", path: location.pathname };
  }
  // A page that is not alive yet shows a box but does not hear of the text, or wipes it when it
  // wakes up; then send stays disabled or the box is empty again, and it is filled anew.
  for (let patience = 500; ; patience *= 2) {
    dom.find(selectors.popup_close)?.click();
    const box = await dom.until(() => dom.find(selectors.prompt_box), left());
    if (!box) return { outcome: "prompt_box" };
    if (dom.holds(box, prompt)) dom.fill(box, "");
    const began = performance.now();
    dom.fill(box, prompt);
    // A page that takes long over a text need not be asleep.
    patience = Math.max(patience, 3 * (performance.now() - began));
    const holds = () => dom.holds(dom.find(selectors.prompt_box) ?? box, prompt);
    const send = await dom.until(() => {
      const button = dom.find(selectors.send_button);
      return button && dom.enabled(button) && holds() && button;
    }, Math.min(patience, left()));
    if (send) {
      send.click();
      return { outcome: "pressed" };
    }
    if (dom.find(selectors.no_free_messages)) return { outcome: "no_free_messages" };
    // Enter sends too, and needs no button to be known.
    if (patience > 1000 && holds() && !dom.find(selectors.send_button)) {
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
