"""Runs the provider that Lenore descends from, unchanged but for its URL, on a local site.

Usage: run.py SITE CHROMIUM CHROMEDRIVER, with prompts as JSON strings on stdin, one a line.
Prints one JSON object a line: the prompt, the text that came, and how it ended.
"""

import json
import signal
import sys
import tempfile
import urllib.request

from g4f.Provider.needs_auth import Poe
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as shown
from selenium.webdriver.support.ui import WebDriverWait

EMAIL = "ancestor@example.org"
PATIENCE = 20  # seconds an answer may take before it counts as a hang


class Hang(Exception):
    """The provider did not come to an end."""


def give_up(*_):
    raise Hang


def sign_in(driver, site):
    wait = WebDriverWait(driver, 20)
    box = lambda name: shown.visibility_of_element_located((By.CSS_SELECTOR, f"[class*='{name}']"))
    driver.get(f"{site}/login?redirect_url=%2F")
    wait.until(box("EmailInput_")).send_keys(EMAIL)
    driver.find_element(By.CSS_SELECTOR, "form button").click()
    code = wait.until(box("VerificationCodeInput_"))
    with urllib.request.urlopen(f"{site}/sim/inbox.json?email={EMAIL}") as mail:
        code.send_keys(json.load(mail)["code"])
    driver.find_element(By.CSS_SELECTOR, "form button").click()
    wait.until(box("GrowingTextArea_textArea"))


def ask(driver, prompt):
    chunks = []
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    try:
        messages = [{"role": "user", "content": prompt}]
        for chunk in Poe.create_completion("gpt-4", messages, True, webdriver=driver):
            chunks.append(chunk)
        end = "ended"
    except Hang:
        end = "hang"
    except Exception as error:  # whatever it fails with is what its user gets
        end = type(error).__name__
    finally:
        signal.alarm(0)
    return {"prompt": prompt, "text": "".join(chunks), "chunks": len(chunks), "end": end}


def main():
    site, chromium, chromedriver = sys.argv[1:]
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for switch in ("--headless=new", "--no-sandbox", "--no-first-run", "--disable-sync",
                       "--disable-background-networking", "--disable-component-update",
                       "--disable-dev-shm-usage", f"--user-data-dir={profile}"):
            options.add_argument(switch)
        driver = webdriver.Chrome(options=options, service=Service(chromedriver))
        try:
            sign_in(driver, site)
            Poe.url = site
            for line in sys.stdin:
                print(json.dumps(ask(driver, json.loads(line))), flush=True)
        finally:
            driver.quit()


main()
