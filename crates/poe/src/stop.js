// Waits for the stop button and presses it. Resolves to "confirmed" once the button is gone, to
// "unconfirmed" where it stays, to "no_button" where there was none.
async (selectors, msForButton, ms) => {
  const button = await dom.until(() => dom.find(selectors.stop_button), msForButton);
  if (!button) return "no_button";
  button.click();
  const isGone = () => !dom.find(selectors.stop_button);
  return (await dom.until(isGone, ms)) ? "confirmed" : "unconfirmed";
}
