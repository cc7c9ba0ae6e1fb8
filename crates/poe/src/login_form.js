// Presses the login form's button, and tells what comes of it: `passed` once the box for the code is
// there, or gone, as `comes` says; `refused` with the form's own words; `blocked` where the button
// takes no click; `missing` where there is none; `silent` where nothing happens.
async ({ next, error, box, comes }, enabling, ms) => {
  const button = () => dom.find(next);
  const pressable = () => button() && dom.enabled(button());
  if (!(await dom.until(pressable, enabling))) return { end: button() ? "blocked" : "missing" };

  const words = () => {
    const found = error.flatMap((selector) => [...document.querySelectorAll(selector)]);
    return found.filter(dom.visible).map((element) => element.innerText.trim()).find(Boolean) ?? "";
  };
  const before = words();
  // What was said of an earlier try counts only once the form has been at work again.
  let isNews = before === "";
  button().click();
  const end = await dom.until(() => {
    if (Boolean(dom.find(box)) === comes) return { end: "passed" };
    const now = words();
    isNews ||= now !== before || !pressable();
    return isNews && now !== "" && pressable() && { end: "refused", words: now };
  }, ms);
  return end ?? { end: "silent" };
}
