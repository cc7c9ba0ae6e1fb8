// The hands of a page: finding, waiting, filling and clicking, from inside the document.
// Evaluates to an object that the scripts run by `Page::call` see as `dom`.
(() => {
  // By styles alone: to lay out a page whose box holds a long text takes longer than to type it.
  const visible = (element) => element.checkVisibility({ checkVisibilityCSS: true });

  const enabled = (element) =>
    !element.disabled && element.getAttribute("aria-disabled") !== "true";

  // The first visible match of a list of selectors, in the list's order.
  const find = (selectors) => {
    for (const selector of selectors) {
      for (const element of document.querySelectorAll(selector)) {
        if (visible(element)) return element;
      }
    }
    return null;
  };

  // Calls `look` at once and after every change of the document until it returns something, for
  // at most `ms` milliseconds. The slow tick sees what no mutation tells, such as a transition.
  const until = (look, ms) =>
    new Promise((resolve, reject) => {
      let observer, tick, end;
      const stop = () => {
        observer?.disconnect();
        clearInterval(tick);
        clearTimeout(end);
      };
      const check = () => {
        try {
          const found = look();
          if (!found) return false;
          stop();
          resolve(found);
        } catch (error) {
          stop();
          reject(error);
        }
        return true;
      };
      if (check()) return;
      observer = new MutationObserver(check);
      observer.observe(document, {
        subtree: true,
        childList: true,
        attributes: true,
        characterData: true,
      });
      tick = setInterval(check, 200);
      end = setTimeout(() => check() || (stop(), resolve(null)), ms);
    });

  const setters = new Map();
  const nativeSetter = (element) => {
    const type = element instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
    if (!setters.has(type)) {
      setters.set(type, Object.getOwnPropertyDescriptor(type.prototype, "value").set);
    }
    return setters.get(type);
  };

  const text = (element) =>
    "value" in element ? element.value : element.innerText.replace(/\n$/, "");

  // Whether a box has this text. At the end of an editor, a line break need not be one of the text's.
  const holds = (element, value) =>
    text(element) === ("value" in element ? value : value.replace(/\n$/, ""));

  // An editor of rich text takes what is pasted, in one step. One that does not listen to that
  // gets its text as it is; the browser's own insertion takes minutes for long texts.
  const paste = (element, value) => {
    document.getSelection().selectAllChildren(element);
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", value);
    const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
    if (element.dispatchEvent(event)) element.textContent = value;
  };

  // Gives a box its whole text in one step and tells the page, as one input event. A framework
  // that tracks the value (React) notices only what came past its own setter, by the native one.
  const fill = (element, value) => {
    element.focus();
    if ("value" in element) nativeSetter(element).call(element, value);
    else paste(element, value);
    element.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText" }));
  };

  return { visible, enabled, find, until, text, holds, fill };
})()
