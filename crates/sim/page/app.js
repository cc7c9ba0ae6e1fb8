// What the server tells this app about the site that it is: habits, names, the page's data.

const decode = (text) => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))));

const told = decode(document.getElementById("__APP__").textContent);

/** The site's habits: `is("ping", "watched")`. */
export const is = (habit, ...values) => values.includes(told.habits[habit]);
/** What the site calls an operation. */
export const named = (operation) => told.operations[operation];
export const build = told.build;
export const parts = told.parts;
/** The page's data. */
export const data = told.data ?? JSON.parse(document.getElementById("__NEXT_DATA__").textContent).props.pageProps;

/** Has the page's thread do nothing else for so many milliseconds. */
export function toil(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}
