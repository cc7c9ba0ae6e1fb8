// Presses stop and resolves to true once the button is gone, to false where it stays. A page
// without the button has nothing to stop.
async (selectors, ms) => {
  const end = performance.now() + ms;
  const button = await dom.until(() => dom.find(selectors.stop_button), ms / 5);
  if (!button) return true;
  button.click();
  const gone = () => !dom.find(selectors.stop_button);
  return Boolean(await dom.until(gone, Math.max(0, end - performance.now())));
}
