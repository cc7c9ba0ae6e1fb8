// Follows the page from before a question is sent until `token` is heard, and finds by what they do
// the elements that an answer brings: the stop button, the messages and their marks. Gives what it
// found: `{ stop_button, messages, shapes }`, each `null` where there is none.
async (facts, question, token, ms) => {
  const of = ELEMENTS(dom);
  const box = dom.find(facts.prompt_box) ?? of.promptBox();
  const before = new Set(box ? of.beside(box) : []);
  const send = dom.find(facts.send_button);
  // The buttons that came while the answer ran, as they were then.
  const came = new Map();
  const shapes = {};
  const turned = new Map();

  const see = (records) => {
    const now = dom.find(facts.prompt_box) ?? of.promptBox();
    for (const button of now ? of.beside(now) : []) {
      if (before.has(button) || came.has(button) || !dom.visible(button) || button === send) continue;
      came.set(button, { selectors: of.selectorsOf(button), shape: of.shapeOf(button), since: performance.now() });
      const isBeside = Boolean(dom.find(facts.send_button));
      shapes.running ??= { send: isBeside, stop: of.shapeOf(button) };
    }
    for (const { type, target, attributeName, oldValue } of records) {
      if (type !== "attributes" || !attributeName.startsWith("data-")) continue;
      const value = target.getAttribute(attributeName);
      if (oldValue === "false" && value === "true") turned.set(target, attributeName);
    }
  };
  const observer = new MutationObserver(see);
  observer.observe(document, { subtree: true, childList: true, attributes: true, attributeOldValue: true });
  await new Promise((resolve) => {
    addEventListener(token, resolve, { once: true });
    setTimeout(resolve, ms);
  });
  // The page may draw its last changes a moment after it heard of them.
  await dom.until(() => [...came.keys()].some((button) => !dom.visible(button)), 1000);
  see(observer.takeRecords());
  observer.disconnect();

  const gone = [...came].filter(([button]) => !dom.visible(button)).map(([, about]) => about);
  const stop = gone[0] ?? null;

  // ---- Messages, by the question's own text.
  const says = (element) => element.textContent.trim() === question;
  const leaf = [...document.querySelectorAll("body *")]
    .filter((element) => says(element) && dom.visible(element) && !element.matches("textarea, input, title, script"))
    .findLast((element) => ![...element.children].some(says));
  const parse = (element) => /^(.*?)([0-9]+)$/.exec(element.id);
  let asked = leaf ?? null;
  while (asked && !(parse(asked) && of.isPlain(parse(asked)[1]))) asked = asked.parentElement;
  let messages = null;
  if (asked) {
    const [, prefix] = parse(asked);
    const element = `[id^='${prefix}']`;
    const all = [...document.querySelectorAll(element)].filter(parse);
    const answer = all.slice(all.indexOf(asked) + 1).find((one) => !asked.contains(one)) ?? null;
    const prefixes = (root) => new Set([root, ...root.querySelectorAll("*")].flatMap(of.prefixesOf));
    const [ofAsked, ofAnswer] = [prefixes(asked), answer ? prefixes(answer) : new Set()];
    const selector = (name) => `[class*='${name}']`;
    // The outermost of the elements that say the question and nothing else, which both have.
    const texts = [];
    for (let at = leaf; at && at !== asked; at = at.parentElement) {
      if (says(at)) texts.unshift(...of.prefixesOf(at).filter((name) => ofAnswer.has(name)));
    }
    messages = {
      element,
      id_prefix: prefix,
      text: [...new Set(texts)].map(selector),
      human: answer ? [...ofAsked].filter((name) => !ofAnswer.has(name) && /message|bubble/i.test(name)).map(selector) : [],
      complete: [...turned].find(([target]) => answer && target === answer)?.[1] ?? null,
    };
    shapes.question = of.shapeOf(asked);
    shapes.answer = answer ? of.shapeOf(answer) : null;
    shapes.question_parts = [...ofAsked];
    shapes.answer_parts = [...ofAnswer];
    shapes.document_parts = [...prefixes(document.body)];
  }
  const found = dom.find(facts.prompt_box) ?? box;
  shapes.prompt_box = found && of.shapeOf(found);
  const button = dom.find(facts.send_button);
  shapes.send_button = button && of.shapeOf(button);
  const file = of.fileInput(found);
  shapes.file_input = file && of.shapeOf(file);
  return { stop_button: stop, messages, shapes };
}
