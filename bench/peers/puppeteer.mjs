// The job done with Puppeteer: a binding of its CDP session and a script that runs before the
// page's own.

import { BOX, library, PAGE, SEND, serve, SWITCHES } from "./protocol.mjs";

const puppeteer = library("puppeteer-core");

serve(async ({ profile: userDataDir, browser: executablePath }) => {
  const browser = await puppeteer.launch({ userDataDir, executablePath, args: SWITCHES });
  return {
    version: await browser.version(),
    async page(url, tell) {
      const page = await browser.newPage();
      const session = await page.createCDPSession();
      session.on("Runtime.bindingCalled", ({ payload }) => tell(payload));
      await session.send("Runtime.enable");
      await session.send("Runtime.addBinding", { name: "tell" });
      await page.evaluateOnNewDocument(PAGE);
      await page.goto(url, { waitUntil: "domcontentloaded" });
      await page.waitForSelector(BOX);
      return {
        send: (prompt) => page.evaluate(SEND, [BOX, prompt]),
        close: () => page.close(),
      };
    },
    close: () => browser.close(),
  };
});
