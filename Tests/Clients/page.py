"""The live page in a headless Chromium, spoken to through its debugging protocol."""

import base64
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request

from cluster import Cluster, wait_until
from websockets.sync.client import connect


class Browser:
    """One tab, within `with`."""

    def __init__(self, width=1100, height=1000, dark=False):
        self.size = f"{width},{height}"
        self.dark = dark

    def __enter__(self):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        assert program, "install Debian's chromium"
        # Children of a browser that was told to end may still write.
        self.profile = tempfile.TemporaryDirectory(
            prefix="moiety-page.", ignore_cleanup_errors=True
        )
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--mute-audio",
             "--remote-debugging-port=0", f"--user-data-dir={self.profile.name}",
             f"--window-size={self.size}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        port_file = os.path.join(self.profile.name, "DevToolsActivePort")
        wait_until(lambda: os.path.exists(port_file) and os.path.getsize(port_file) > 0, "a port")
        port = open(port_file).read().split()[0]
        tabs = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list"))
        tab = next(tab for tab in tabs if tab["type"] == "page")
        self.socket = connect(tab["webSocketDebuggerUrl"], max_size=None)
        self.count = 0
        self.problems = []
        for domain in ["Page", "Runtime", "Log"]:
            self.call(f"{domain}.enable")
        if self.dark:
            self.call("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": "dark"}])
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.terminate()
        self.process.wait(30)
        self.profile.cleanup()

    def call(self, method, **parameters):
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=30))
            if message.get("id") == self.count:
                assert "error" not in message, message
                return message["result"]
            # Refusals of the content security policy and uncaught errors come here.
            if message.get("method") == "Runtime.exceptionThrown":
                self.problems.append(message["params"])
            if message.get("method") == "Log.entryAdded":
                if message["params"]["entry"]["level"] == "error":
                    self.problems.append(message["params"]["entry"])

    def ask(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def text(self, name):
        return self.ask(f"document.getElementById('{name}').textContent")

    def picture(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))


def live():
    """It loads, answers a prompt, follows what happens, and shows a lost worker within 3 s."""
    with Cluster(recovery_wait="24h") as cluster, Browser() as browser:
        browser.call("Page.navigate", url=cluster.url + "/")
        wait_until(lambda: browser.ask("document.getElementById('state').dataset.state") == "ready",
                   "the page is ready")
        assert browser.ask("document.querySelectorAll('#workers tr').length") == 2
        assert browser.ask("document.querySelectorAll('#heat .cell').length") == 12
        browser.ask("document.getElementById('prompt').value = 'NAME\\n       ls - '")
        browser.ask("document.getElementById('tokens').value = 400")
        browser.ask("document.getElementById('send').click()")
        wait_until(lambda: len(browser.text("answer")) > 100, "an answer")
        # One that is not over before the page has seen it.
        long = http.client.HTTPConnection(cluster.url.removeprefix("http://"))
        long.request("POST", "/v1/completions", json.dumps(
            {"prompt": "a", "max_tokens": 100_000, "stream": True, "ignore_eos": True}
        ))
        wait_until(lambda: browser.text("running") != "0", "a job is shown")
        wait_until(lambda: float(browser.text("rate")) > 0, "tokens per second are shown")
        if os.environ.get("SCREENSHOT"):
            browser.picture(os.environ["SCREENSHOT"])
        long.close()
        wait_until(lambda: browser.text("running") == "0", "the job's end is shown")
        # Started again it is another life of the same worker.
        row = "document.querySelectorAll('#workers tr')[1]"
        shown = f"{row}.cells[1].textContent + {row}.cells[6].textContent"
        before = browser.ask(shown)
        assert before.startswith("ready"), before
        begun = time.monotonic()
        cluster.kill_worker("worker-2")
        wait_until(lambda: browser.ask(shown) != before, "a lost worker is shown")
        seen = time.monotonic() - begun
        assert seen < 3, f"a lost worker is shown only after {seen:.1f} s"
        wait_until(lambda: browser.ask(shown).startswith("ready"), "its next life is shown")
        assert not browser.problems, browser.problems
        assert browser.ask("document.documentElement.scrollWidth <= window.innerWidth"), "too wide"
        print(f"a lost worker is shown after {seen:.1f} s")


def budget():
    """Workers with a memory budget have a table of what experts on disk cost them, others none."""
    cells = "Array.from(document.querySelectorAll('#stored tr'), row => row.innerText.split('\\t'))"
    hidden = "document.getElementById('disk').hidden"
    ready = "document.getElementById('state').dataset.state"
    with Cluster() as cluster, Browser() as browser:
        browser.call("Page.navigate", url=cluster.url + "/")
        wait_until(lambda: browser.ask(ready) == "ready", "the page is ready")
        assert browser.ask(hidden)
    with Cluster(memory="1GB") as cluster, Browser() as browser:
        browser.call("Page.navigate", url=cluster.url + "/")
        wait_until(lambda: browser.ask(hidden) is False, "the table is shown")
        rows = browser.ask(cells)
        assert [row[0] for row in rows] == ["worker-1", "worker-2"], rows
        assert all(row[1].endswith(" of 500 MB") and row[2] == "–" for row in rows), rows
        body = json.dumps({"prompt": "NAME\n", "max_tokens": 200, "ignore_eos": True})
        asked = urllib.request.Request(cluster.url + "/v1/completions", body.encode(), headers={
            "Content-Type": "application/json"
        })
        urllib.request.urlopen(asked).close()
        wait_until(lambda: all(row[2].endswith(" %") and row[5].endswith(" %")
                               for row in browser.ask(cells)), "how often experts were there")
        assert all("B" in row[3] and "s" in row[4] for row in browser.ask(cells)), rows
        assert not browser.problems, browser.problems
        assert browser.ask("document.documentElement.scrollWidth <= window.innerWidth"), "too wide"
        if os.environ.get("SCREENSHOT"):
            browser.picture(os.environ["SCREENSHOT"].replace(".png", "-budget.png"))


def phone():
    """On a narrow dark screen nothing is wider than the screen."""
    with Cluster(memory="1GB") as cluster, Browser(width=390, height=800, dark=True) as browser:
        browser.call("Emulation.setDeviceMetricsOverride", width=390, height=800,
                     deviceScaleFactor=2, mobile=True)
        browser.call("Page.navigate", url=cluster.url + "/")
        wait_until(lambda: browser.ask("document.getElementById('state').dataset.state") == "ready",
                   "the page is ready")
        wait_until(lambda: browser.ask("document.getElementById('disk').hidden") is False,
                   "experts on disk are shown")
        assert browser.ask("document.documentElement.scrollWidth") <= 390
        paper = browser.ask("getComputedStyle(document.body).backgroundColor")
        assert paper == "rgb(22, 22, 20)", paper
        assert not browser.problems, browser.problems
        if os.environ.get("SCREENSHOT"):
            browser.picture(os.environ["SCREENSHOT"].replace(".png", "-phone.png"))
