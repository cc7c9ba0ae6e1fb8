// Waits for the stop button and presses it. Resolves to "confirmed" once the button is gone, to
// "unconfirmed" where it stays, to "no_button" where there was none.
async (facts, msForButton, ms) => {
  if (!facts.origins.includes(location.origin)) return "no_button";
  const button = await dom.until(() => dom.find(facts.stop_button), msForButton);
  if (!button) return "no_button";
  button.click();
  const isGone = () => !dom.find(facts.stop_button);
  return (await dom.until(isGone, ms)) ? "confirmed" : "unconfirmed";
}
