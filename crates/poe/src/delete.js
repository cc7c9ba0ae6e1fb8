// Deletes the chat at a path by its menu, as a person does. Resolves to "pressed" once the last button
// was pressed, else to what is not there. Where it is not clear which button is meant, none is pressed.
async (facts, path, ms) => {
  if (!facts.origins.includes(location.origin) || location.pathname !== path) return "chat";

  const all = (selectors, within) => {
    const lists = selectors.map((selector) => [...within.querySelectorAll(selector)]);
    return lists.find((list) => list.length > 0) ?? [];
  };
  const shown = (selectors, within = document) => {
    const lists = selectors.map((selector) => all([selector], within).filter(dom.visible));
    return lists.find((list) => list.length > 0) ?? [];
  };
  const only = (list) => (list.length === 1 ? list[0] : null);

  const rows = () => all(facts.chat_row, document);
  const leadsHere = (row) =>
    [row, ...row.querySelectorAll("a[href]")].some((link) => link.pathname === path);
  // A row's button may show itself only under the pointer. One of a row that leads nowhere may be
  // any chat's.
  const opener = () => {
    const row = only(rows().filter(leadsHere));
    const inRow = row && only(all(facts.chat_menu, row));
    const isInRow = (element) => rows().some((row) => row.contains(element));
    return inRow ?? only(shown(facts.chat_menu).filter((element) => !isInRow(element)));
  };

  const button = await dom.until(opener, ms);
  if (!button) return "chat_menu";
  button.click();
  const entry = await dom.until(() => only(shown(facts.menu_delete)), ms);
  if (!entry) return "menu_delete";
  entry.click();
  const isGone = () => location.pathname !== path;
  const inDialog = () => {
    const found = shown(facts.dialog).flatMap((dialog) => shown(facts.dialog_delete, dialog));
    return only([...new Set(found)]);
  };
  const next = await dom.until(() => isGone() || inDialog(), ms);
  if (!next) return "dialog_delete";
  if (next !== true) next.click();
  return "pressed";
}
