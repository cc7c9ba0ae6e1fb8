// What the page tells of the account, by the facts of the site: from its data, and from its links.
(facts, route) => {
  const isObject = (value) => value !== null && typeof value === "object";
  const isText = (value) => typeof value === "string" && value.trim() !== "";
  let data = null;
  try {
    data = JSON.parse(document.querySelector(facts.data)?.textContent ?? "null");
  } catch {
    // Data of another form tell nothing.
  }
  const objects = isObject(data) ? [data] : [];
  for (let at = 0; at < objects.length; at += 1) {
    objects.push(...Object.values(objects[at]).filter(isObject));
  }

  const at = (object, path) => path.split(".").reduce((found, key) => found?.[key], object);
  const names = facts.name.flatMap((path) => objects.map((object) => at(object, path)));

  const bots = new Set();
  // A bot, or what holds bots. What is inside a bot, such as its maker, is none.
  const add = (value) => {
    if (!isObject(value)) return;
    const handle = facts.handle.map((key) => value[key]).find(isText);
    if (handle) bots.add(handle);
    else Object.values(value).forEach(add);
  };
  for (const object of objects) facts.bots.forEach((key) => add(object[key]));

  const [before, after] = route.split("{bot}");
  const links = facts.links.length ? document.querySelectorAll(facts.links.join(",")) : [];
  for (const link of links) {
    try {
      const { origin, pathname } = new URL(link.getAttribute("href"), location.href);
      if (origin !== location.origin || !pathname.startsWith(before) || !pathname.endsWith(after)) continue;
      bots.add(decodeURIComponent(pathname.slice(before.length, pathname.length - after.length)));
    } catch {
      // An address that is none leads to no bot.
    }
  }
  return { name: names.find(isText) ?? null, bots: [...bots] };
}
