// Types the prompt and presses send, once. Resolves to what became of it:
// "pressed", or what stood in the way: "prompt_box", "send_button", "send_disabled",
// "no_free_messages".
async (selectors, prompt, ms) => {
  const end = performance.now() + ms;
  const left = () => Math.max(0, end - performance.now());

  const popup = dom.find(selectors.popup_close);
  if (popup) popup.click();

  // A page that is not alive yet shows a box but does not hear of the text, or wipes it when it
  // wakes up; then send stays disabled or the box is empty again, and it is filled anew.
  for (let patience = 500; ; patience *= 2) {
    const box = await dom.until(() => dom.find(selectors.prompt_box), left());
    if (!box) return "prompt_box";
    if (dom.text(box) === prompt) dom.fill(box, "");
    dom.fill(box, prompt);
    const send = await dom.until(() => {
      const button = dom.find(selectors.send_button);
      return button && dom.enabled(button) && dom.text(box) === prompt && button;
    }, Math.min(patience, left()));
    if (send) {
      send.click();
      return "pressed";
    }
    if (dom.find(selectors.no_free_messages)) return "no_free_messages";
    if (left() === 0) {
      return dom.find(selectors.send_button) ? "send_disabled" : "send_button";
    }
  }
}
