// The job done with Playwright: an exposed binding and a script that runs before the page's own.

import { BOX, library, PAGE, SEND, serve, SWITCHES } from "./protocol.mjs";

const { chromium } = library("playwright-core");

serve(async ({ profile, browser: executablePath }) => {
  const context = await chromium.launchPersistentContext(profile, { executablePath, args: SWITCHES });
  const tells = new Map();
  await context.exposeBinding("tell", ({ page }, text) => tells.get(page)?.(text));
  await context.addInitScript(PAGE);
  return {
    version: context.browser()?.version() ?? "",
    async page(url, tell) {
      const page = await context.newPage();
      tells.set(page, tell);
      await page.goto(url, { waitUntil: "commit" });
      await page.waitForSelector(BOX);
      return {
        send: (prompt) => page.evaluate(SEND, [BOX, prompt]),
        async close() {
          tells.delete(page);
          await page.close();
        },
      };
    },
    close: () => context.close(),
  };
});
