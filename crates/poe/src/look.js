// What the page shows of the answer: its number, whether it is complete, its text as it is shown,
// and what a dialog over the page says. `answer` is its number where that is known; else it is the
// first message of a bot's that is newer than `question`.
(facts, question, answer) => {
  const { messages } = facts;
  const numberOf = (element) => element.id.slice(messages.id_prefix.length).replace(/^0+/, "");
  const isNewer = (one, other) =>
    one.length === other.length ? one > other : one.length > other.length;
  const isHuman = (element) =>
    messages.human.some((selector) => element.matches(selector) || element.querySelector(selector));

  let found = null;
  for (const element of document.querySelectorAll(messages.element)) {
    const number = numberOf(element);
    const isIt =
      answer !== null
        ? number === answer
        : question !== null && isNewer(number, question) && !isHuman(element);
    // A page may show one message twice, in a frame of its own each.
    if (isIt && found === null) found = element;
  }
  const dialog = dom.find(facts.dialog)?.innerText ?? null;
  if (found === null) return { dialog };

  const finished = messages.finished.join(",");
  // What ends a message stands in it, or behind it and before the next one.
  const isFinished = () => {
    if (found.querySelector(finished)) return true;
    for (let next = found.nextElementSibling; next; next = next.nextElementSibling) {
      if (next.matches(messages.element) || next.querySelector(messages.element)) return false;
      if (next.matches(finished) || next.querySelector(finished)) return true;
    }
    return false;
  };
  const marked = found.getAttribute(messages.complete);
  let complete = { true: true, false: false }[marked] ?? null;
  if (complete === null && isFinished()) complete = true;
  if (complete === null && dom.find(facts.stop_button)) complete = false;

  const texts = messages.text.map((selector) => [...found.querySelectorAll(selector)]);
  const shown = texts.find((list) => list.length > 0) ?? [found];
  const outer = shown.filter((one) => !shown.some((other) => other !== one && other.contains(one)));
  const text = outer.map((element) => element.textContent).join("\n");
  return { answer: numberOf(found), complete, text, dialog };
}
