"""The job done with Selenium: the answer's text is read off the page ten times a second."""

import shutil
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as shown
from selenium.webdriver.support.ui import WebDriverWait

from protocol import BOX, SEND, SWITCHES, serve

PAUSE = 0.1  # seconds
FILL = """
const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set;
set.call(arguments[0], arguments[1]);
arguments[0].dispatchEvent(new InputEvent('input', { bubbles: true }));
"""
LOOK = """
const bubble = [...document.querySelectorAll("[class*='Message_botMessageBubble__']")].at(-1);
const done = bubble?.closest('[data-complete]')?.getAttribute('data-complete') === 'true';
return [bubble?.textContent ?? '', done];
"""


class Polling:
    def open(self, site, profile, browser):
        options = webdriver.ChromeOptions()
        options.binary_location = browser
        for switch in (*SWITCHES, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        service = Service(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.site, self.is_ready = site, False

    def ready(self):
        self.driver.get(f"{self.site}/GPT-4")
        wait = WebDriverWait(self.driver, 20, poll_frequency=PAUSE)
        self.box = wait.until(shown.visibility_of_element_located((By.CSS_SELECTOR, BOX)))
        self.is_ready = True

    def ask(self, prompt, answer):
        if not self.is_ready:
            self.ready()
        self.is_ready = False
        # Typing by keys takes seconds for a long text; this is what its users do instead.
        self.driver.execute_script(FILL, self.box, prompt)
        self.driver.find_element(By.CSS_SELECTOR, SEND).click()
        known = ""
        while True:
            text, done = self.driver.execute_script(LOOK)
            if len(text) > len(known):
                answer.take(text[len(known):])
                known = text
            if done:
                return
            time.sleep(PAUSE)

    def close(self):
        self.driver.quit()


serve(Polling())
