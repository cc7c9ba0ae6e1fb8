"""A person at the site's own page, without any program between.

Usage: run.py CHROMIUM CHROMEDRIVER, with {"site", "sign_in", "prompt"} as JSON on stdin, one a line.
Prints one JSON object a line: what the person saw.
"""

import json
import sys
import tempfile
import time
import urllib.request

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as shown
from selenium.webdriver.support.ui import WebDriverWait

EMAIL = "visitor@example.org"
SEND = "[data-person='send'], [data-button-send], [class*='sendButton'], [class*='IconControl']"


def sign_in(driver, site):
    wait = WebDriverWait(driver, 20)
    box = lambda css: shown.visibility_of_element_located((By.CSS_SELECTOR, css))
    driver.get(f"{site}/login?redirect_url=%2F")
    wait.until(box("input[type=email]")).send_keys(EMAIL)
    driver.find_element(By.CSS_SELECTOR, "form button").click()
    code = wait.until(box("[class*=VerificationCodeInput_]"))
    with urllib.request.urlopen(f"{site}/sim/inbox.json?email={EMAIL}") as mail:
        code.send_keys(json.load(mail)["code"])
    driver.find_element(By.CSS_SELECTOR, "form button").click()
    wait.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "textarea"))


STATE = """
const shown = [...document.querySelectorAll("main [id^='message-'], main [data-test-message]")];
return {
  address: location.pathname,
  dialog: document.querySelector("[role=dialog] h2")?.textContent ?? null,
  messages: shown.map((each) => [each.dataset.complete ?? null, each.innerText.trim()]),
};
"""


def shown_times(driver, text):
    return driver.execute_script("return document.body.innerText.split(arguments[0]).length - 1", text)


def ask_by_keys(driver, case):
    """For a page whose markup may be any: by the keyboard, and by what can be read."""
    driver.get(f"{case['site']}{case['page']}")
    wait = WebDriverWait(driver, 20)
    wait.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "textarea:not([hidden])"))
    time.sleep(case.get("before", 0))
    box = driver.find_element(By.CSS_SELECTOR, "textarea:not([hidden])")
    driver.execute_script("arguments[0].focus()", box)
    driver.execute_cdp_cmd("Input.insertText", {"text": case["prompt"]})
    box.send_keys("\ue007")
    end = time.time() + 15
    # The question has it too.
    while time.time() < end and shown_times(driver, case["answer"]) < 2:
        time.sleep(0.1)
    time.sleep(case.get("linger", 0))
    lines = [line["message"] for line in driver.get_log("browser") if line["level"] == "SEVERE"]
    count = lambda css: len(driver.find_elements(By.CSS_SELECTOR, css))
    return {"found": {css: count(css) for css in case.get("look", [])},
            "times": shown_times(driver, case["answer"]), "text": driver.execute_script("return document.body.innerText")[-600:], "console": lines}


def ask(driver, case):
    driver.get(f"{case['site']}/{case.get('bot', 'GPT-4')}")
    wait = WebDriverWait(driver, 20)
    wait.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, "textarea"))
    for accept in driver.find_elements(By.CSS_SELECTOR, "#onetrust-accept-btn-handler"):
        accept.click()
    box = driver.find_element(By.CSS_SELECTOR, "footer textarea")
    driver.execute_script("arguments[0].focus()", box)
    driver.execute_cdp_cmd("Input.insertText", {"text": case["prompt"]})
    wait.until(lambda driver: driver.find_element(By.CSS_SELECTOR, SEND).is_enabled())
    driver.execute_script("arguments[0].click()", driver.find_element(By.CSS_SELECTOR, SEND))
    for yes in [each for each in driver.find_elements(By.CSS_SELECTOR, "[role=dialog] button") if each.text == "Send anyway"]:
        yes.click()
    end = time.time() + 15
    while time.time() < end:
        state = driver.execute_script(STATE)
        if any(case["answer"] in text and complete == "true" for complete, text in state["messages"]):
            break
        time.sleep(0.1)
    time.sleep(case.get("linger", 0))
    state = driver.execute_script(STATE)
    state["console"] = [line["message"] for line in driver.get_log("browser") if line["level"] == "SEVERE"]
    return state


def main():
    chromium, chromedriver = sys.argv[1:]
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for switch in ("--headless=new", "--no-sandbox", "--no-first-run", "--disable-sync",
                       "--disable-background-networking", "--disable-component-update",
                       "--disable-dev-shm-usage", f"--user-data-dir={profile}"):
            options.add_argument(switch)
        driver = webdriver.Chrome(options=options, service=Service(chromedriver))
        try:
            for line in sys.stdin:
                case = json.loads(line)
                if case["sign_in"]:
                    sign_in(driver, case["site"])
                seen = ask_by_keys(driver, case) if "page" in case else ask(driver, case)
                print(json.dumps(seen), flush=True)
        finally:
            driver.quit()


main()
