// Makes the page unreadable for a picture: each letter becomes the same disc, and that a smudge;
// pictures become clouds. Resolves to true only if every text of the page is hidden by then.
async () => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    *, *::before, *::after, *::placeholder, *::marker, *::file-selector-button {
      -webkit-text-security: disc !important;
      -webkit-text-fill-color: transparent !important;
      color: transparent !important;
      text-shadow: 0 0 8px rgba(0, 0, 0, 0.5) !important;
      background-image: none !important;
      transition: none !important;
      animation: none !important;
    }
    img, video, canvas, svg, iframe, object, embed { filter: blur(24px) !important; }
  `);
  const roots = (root) => [
    root,
    ...[...root.querySelectorAll("*")]
      .filter((element) => element.shadowRoot)
      .flatMap((element) => roots(element.shadowRoot)),
  ];
  const hidden = (element) => {
    const style = getComputedStyle(element);
    return style.webkitTextSecurity === "disc" && style.webkitTextFillColor === "rgba(0, 0, 0, 0)";
  };
  const shown = (element) =>
    !element.matches("img, video, canvas, svg, svg *") && element.getClientRects().length > 0;

  const all = roots(document);
  // Not a style element, which the site's security policy may forbid.
  for (const root of all) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  // A tab that nobody sees may draw no frames.
  await Promise.race([frame().then(frame), pause(500)]);
  return all.every((root) => [...root.querySelectorAll("*")].filter(shown).every(hidden));
}
