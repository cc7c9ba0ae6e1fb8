"""The job done with the provider that Lenore descends from, unchanged but for its URL.

Warm, it is given a driver that runs; cold, it starts a browser itself, in its own way.
"""

import os
import shutil
import sys

from g4f.Provider.needs_auth import Poe
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from protocol import SWITCHES, serve


class Original:
    driver = None

    def open(self, site, profile, browser):
        Poe.url = site
        self.profile, self.browser = profile, browser

    def ready(self):
        """Starts the browser; its pages it opens for each question."""
        if self.driver is None:
            options = webdriver.ChromeOptions()
            options.binary_location = self.browser
            for switch in (*SWITCHES, f"--user-data-dir={self.profile}"):
                options.add_argument(switch)
            service = Service(shutil.which("chromedriver"))
            self.driver = webdriver.Chrome(options=options, service=service)

    def ask(self, prompt, answer):
        messages = [{"role": "user", "content": prompt}]
        own = {"webdriver": self.driver} if self.driver else {"user_data_dir": self.profile}
        for chunk in Poe.create_completion("gpt-4", messages, True, headless=True, **own):
            answer.take(chunk)

    def close(self):
        if self.driver:
            self.driver.quit()


# It patches the chromedriver that it finds first, so that is a copy.
os.environ["PATH"] = sys.argv[1] + os.pathsep + os.environ["PATH"]
serve(Original())
