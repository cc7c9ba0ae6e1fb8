// Finds one element by its role and position: `{ selectors }`, the best first; null where there is
// none. `boxes` are the known selectors of the prompt box.
async (role, boxes) => {
  const of = ELEMENTS(dom);
  const box = dom.find(boxes) ?? of.promptBox();
  const find = {
    prompt_box: () => of.promptBox(),
    send_button: () => box && of.sendButton(box),
    file_input: () => of.fileInput(box),
    popup_close: () => box && of.popupClose(box),
  };
  const element = await find[role]();
  return element ? { selectors: of.selectorsOf(element), shape: of.shapeOf(element) } : null;
}
