// The tap's way out, in a world in which no script of a page runs. `meeting` is where the other
// script is met, `send` leads out.
(meeting, send) => {
  if (window.top !== window) return;
  window.addEventListener(
    meeting,
    (event) => {
      event.stopImmediatePropagation();
      event.relatedTarget.addEventListener(meeting, ({ newValue }) => send(newValue));
    },
    { capture: true, once: true },
  );
}
