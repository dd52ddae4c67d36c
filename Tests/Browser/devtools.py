"""Drives a headless Chromium through its debugging pipe, with Python's standard library alone."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


class Failure(Exception):
    """The browser did not do what it was asked to, in time."""


def find():
    """The browser's path, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """A browser with one page; everything that it logs or requests is kept."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="whosent-browser-")
        to_read, self.output = os.pipe()
        self.input, to_write = os.pipe()
        # The browser reads commands at descriptor 3 and writes answers at 4.
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$@" 3<&%d 4>&%d' % (to_read, to_write), "sh", find(), "--headless=new",
             "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--user-data-dir=" + self.profile, "--remote-debugging-pipe", "about:blank"],
            pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.buffer = b""
        self.number = 0
        self.events = []
        self.session = None
        target = [one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page"][0]
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(domain + ".enable")
        # Focus rings show only in a window that has the focus.
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def close(self):
        """Ends the browser and removes its profile."""
        os.close(self.output)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.input)
        shutil.rmtree(self.profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def message(self, deadline):
        """The next message; raises a failure after the deadline."""
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.input], [], [], left)[0]:
                raise Failure("the browser did not answer in time")
            part = os.read(self.input, 1 << 20)
            if not part:
                raise Failure("the browser ended")
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, seconds=60, **parameters):
        """Calls a method of the protocol and returns its result."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            command["sessionId"] = self.session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self.output, data):]
        deadline = time.monotonic() + seconds
        while True:
            message = self.message(deadline)
            if message.get("id") != self.number:
                self.events.append(message)
            elif "error" in message:
                raise Failure("%s: %s" % (method, message["error"]["message"]))
            else:
                return message["result"]

    def wait(self, method, seconds=60):
        """Waits for an event that may have come already."""
        deadline = time.monotonic() + seconds
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message(deadline))

    def open(self, path):
        """Opens a local file and waits until it has loaded; returns how long that took in seconds."""
        self.events = []
        start = time.monotonic()
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.wait("Page.loadEventFired")
        # Two frames: what the script changed is laid out and painted.
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
        return time.monotonic() - start

    def run(self, expression):
        """The value of an expression, its promise awaited."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise Failure(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    def show(self, width, height, scheme):
        """Sets the size of the window and the colour scheme."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        """Writes a picture of the whole page."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 12000), "scale": 1}
        data = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def press(self, key, code=None, text=None):
        """Presses a key."""
        codes = {"Tab": 9, "Enter": 13, " ": 32}
        event = {"key": key, "code": code or key, "windowsVirtualKeyCode": codes.get(key, 0)}
        if text:
            event["text"] = text
        self.call("Input.dispatchKeyEvent", type="keyDown", **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def complaints(self):
        """What the console, the security policy and the script engine said."""
        found = []
        for event in self.events:
            values = event.get("params", {})
            if event.get("method") == "Runtime.consoleAPICalled":
                found.append("console.%s" % values["type"])
            elif event.get("method") == "Runtime.exceptionThrown":
                found.append(values["exceptionDetails"]["text"])
            elif event.get("method") == "Log.entryAdded":
                found.append(values["entry"]["text"])
        return found

    def requests(self):
        """The addresses that were asked for; those that the page's own policy stopped never left."""
        stopped = {event["params"]["requestId"] for event in self.events
                   if event.get("method") == "Network.loadingFailed" and event["params"].get("blockedReason") == "csp"}
        return [event["params"]["request"]["url"] for event in self.events
                if event.get("method") == "Network.requestWillBeSent" and event["params"]["requestId"] not in stopped]
