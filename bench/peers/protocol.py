"""How a peer speaks with the harness: a JSON object a line, on stdin and stdout."""

import json
import re
import sys
import time

BOX = "textarea[class*='GrowingTextArea_textArea__']"
SEND = "[class*='ChatMessageSendButton_sendButton__']:not([disabled])"
SWITCHES = ("--headless=new", "--password-store=basic", "--use-mock-keychain", "--no-sandbox")
STAMP = re.compile(r"\b\d{16}\b")  # microseconds since the epoch


def now():
    return time.time_ns() // 1000


def say(words):
    print(json.dumps(words), flush=True)


class Answer:
    """What came of one answer."""

    def __init__(self):
        self.began, self.first, self.pieces, self.text = now(), None, [], ""

    def take(self, text):
        at = now()
        if self.first is None and text:
            self.first = at - self.began
            say({"first": True})
        self.pieces += [[int(stamp), at - int(stamp)] for stamp in STAMP.findall(text)]
        self.text += text

    def heard(self):
        return {"first_us": self.first or 0, "pieces": self.pieces, "text": self.text}


def serve(peer):
    """Serves the harness with a peer that has `open`, `ready`, `ask(prompt, answer)`, `close`."""
    for line in sys.stdin:
        command = json.loads(line)
        what = command.pop("do")
        try:
            if what == "open":
                peer.open(**command)
                say({})
            elif what == "ready":
                peer.ready()
                say({})
            elif what == "ask":
                answer = Answer()
                peer.ask(command["prompt"], answer)
                say({"streams": [answer.heard()]})
            elif what == "close":
                peer.close()
                say({})
                return
            else:
                say({"error": f"{what} is nothing that this peer does"})
        except Exception as error:  # whatever its user would get
            say({"error": f"{type(error).__name__}: {error}".splitlines()[0]})
