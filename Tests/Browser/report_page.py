"""Opens reports in headless Chromium and checks that they work: report_page.py WHOSENT FOLDER CHECK

CHECK is `sample`, `case-b`, `classified`, `hostile` or `many`. Screenshots go to FOLDER, as CHECK-1280-light.png and so on, and the
printed page as CHECK-print.pdf. What is wrong is said on standard error, a line each, and the exit status is 1.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time

import devtools
import page_accessibility

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Cases")

# What a name, a path, a reason or a tag may try. The first ones are markup, the last ones what an escape may overlook.
HOSTILE = [
    "<script>window.taken=1</script>", "\"><img src=x onerror=window.taken=1>", "'onfocus='window.taken=1' autofocus='",
    "</title></style></script><svg onload=window.taken=1>", "{{{style}}}{{#groups}}", "--><iframe src=//example.invalid>",
    "&lt;b&gt;&#60;b&#62;", "\"\u0301 onmouseover=window.taken=1 x=\"", "<\u200dscript>", "javascript:alert(1)",
    "a\u202egnp.exe", "line\nbreak\u2028here\u0000\u001b[31m\u0085", "x" * 300, "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
]


def line(number, name, **changes):
    """A line of NDJSON as `live` writes it."""
    own = {"frame": number + 1, "capture": name, "payload": {"length": 8, "prefix": "3c2f7374796c653e"},
           "verdict": "process", "confidence": "exact", "method": "packet",
           "reason": "matches a send record of " + name, "candidates": []}
    own.update(changes)
    return {"@timestamp": "2026-03-01T10:%02d:%02d.%09dZ" % (number // 60 % 60, number % 60, number),
            "ecs": {"version": "8.17.0"}, "event": {"action": "udp-send"},
            "network": {"transport": "udp", "type": "ipv4", "direction": "egress", "bytes": 36},
            "source": {"ip": "192.0.2.1", "port": 1024 + number % 60000},
            "destination": {"ip": "198.51.100.%d" % (number % 200), "port": 53},
            "process": {"pid": 100 + number, "name": name, "executable": "/opt/" + name, "args": [name, "-d"],
                        "user": {"id": str(number % 7), "name": name}, "hash": {"sha256": "%064x" % number},
                        "parent": {"pid": 1, "name": name}},
            "container": {"id": name}, "service": {"name": name}, "whosent": own}


def summary(packets, **changes):
    """The last line of NDJSON."""
    return {"whosent": {"summary": {
        "packets": packets, "distinct_packets": packets, "records": packets, "unmatched_records": 0,
        "lost": {"kernel": 2, "capture": 0, "send": 2}, "verdicts": {}, "tags": {},
        "coverage": [{"host": HOSTILE[0], "start": "2026-03-01T10:00:00.000000000Z",
                      "stop": "2026-03-01T10:30:00.000000000Z", "filter": HOSTILE[1],
                      "lost": [{"kind": "send", "count": 2, "start": "2026-03-01T10:00:02.000000000Z",
                                "stop": "2026-03-01T10:00:03.000000000Z"}]}],
        "damage": [{"file": HOSTILE[2], "offset": 1, "what": HOSTILE[3]}], **changes}}}


def hostile():
    """Every text of a line, as bad as it can be."""
    lines = []
    for number, name in enumerate(HOSTILE):
        lines.append(line(number, name, tag=name, tag_confidence="possible", tag_reasons=[name, name]))
        unknown = line(number, name, verdict="unknown", confidence="none", method="none", reason="because of " + name)
        del unknown["process"]
        ambiguous = line(number, name, confidence="ambiguous", candidates=[
            {"pid": 1, "name": name, "host": name, "reason": name}, {"pid": 2, "name": name, "reason": name}])
        del ambiguous["process"]
        lines += [unknown, ambiguous]
    return lines + [summary(len(lines))]


def many(count):
    """As many groups as a report has rows."""
    levels = ["exact", "probable", "possible"]
    tags = [{}, {"tag": "newmail", "tag_confidence": "possible", "tag_reasons": ["8 bytes of payload"]}]
    lines = [line(number, "worker-%d" % number, confidence=levels[number % 3], method=["packet", "flow"][number % 3 > 0],
                  **tags[number % 2]) for number in range(count)]
    return lines + [summary(count, damage=[])]


class Check:
    """One report in the browser."""

    def __init__(self, whosent, folder, name):
        self.whosent = whosent
        self.folder = folder
        self.name = name
        self.errors = []

    def expect(self, condition, what):
        """Notes what is not so."""
        if not condition:
            self.errors.append(what)

    def make(self, place):
        """Makes the page, and the same report as JSON to compare with."""
        words = {
            "sample": ["sample/input.pcap", "--evidence", "sample/evidence.pcapng"],
            "case-b": ["case-b/input.pcapng"] + sum([["--evidence", "case-b/" + name] for name in [
                "trace.csv", "tasklist-before.txt", "tasklist-between.txt", "tasklist-after.txt", "netstat.txt"]], []),
            "classified": ["newmail/input.pcap"],
        }.get(self.name)
        if words is None:
            results = os.path.join(place, "results.ndjson")
            with open(results, "w", encoding="utf-8") as file:
                for one in hostile() if self.name == "hostile" else many(10000):
                    file.write(json.dumps(one) + "\n")
            words = [results]
        page = os.path.join(place, self.name + ".html")
        subprocess.run([self.whosent, "report", *words, "-o", page], cwd=CASES, check=True)
        made = subprocess.run([self.whosent, "report", *words, "-o", "-", "--format", "json"], cwd=CASES, check=True,
                              stdout=subprocess.PIPE)
        return page, json.loads(made.stdout)

    def check_contents(self, browser, report):
        """The page has what the JSON has."""
        groups = report["groups"]
        self.expect(browser.run("document.querySelectorAll('#groups > tbody').length") == len(groups), "a row is missing")
        for number, sentence in enumerate(report["sentences"]):
            where = ["asked", "lead", "lead"][number]
            text = browser.run("Array.from(document.querySelectorAll('.%s'), e => e.textContent).join(' ')" % where)
            self.expect(sentence in text, "sentence %d is not on the page" % number)
        names = browser.run("Array.from(document.querySelectorAll('#groups .name'), e => e.textContent)")
        self.expect(sorted(names) == sorted(group["sender"] for group in groups), "a sender's name is not as it should be")
        pictures = browser.run("document.querySelectorAll('svg[role=img]').length")
        payloads = min(9, sum(1 for group in groups if group["payload"]["first"]))
        flows = any(group["verdict"] in ["process", "kernel"] for group in groups)
        self.expect(pictures == bool(groups) + flows + payloads, "there are %d pictures" % pictures)
        bars = browser.run("document.querySelectorAll('#time .bar').length")
        self.expect(bars > 0, "the timeline is empty")
        hashes = {one for group in groups for one in group.get("hashes", [])}
        text = browser.run("document.body.textContent")
        self.expect(all(one in text for one in hashes), "a hash is missing")

    def rows(self, browser, column):
        """The raw values of a column in the rows that are shown, in their order."""
        return browser.run(
            "Array.from(document.querySelectorAll('#groups > tbody')).filter(b => b.className === '')"
            ".map(b => b.rows[0].cells[%d]).map(c => c.dataset.s ?? c.textContent.toLowerCase())" % column)

    def check_sorting(self, browser):
        """A click, and a key, on a heading sorts; a second one turns the order round."""
        button = "document.querySelectorAll('#groups thead button')[%d]"
        for column, is_number in [(0, False), (4, True), (6, True)]:
            for _ in range(2):
                browser.run((button + ".click()") % column)
                order = browser.run("document.querySelectorAll('#groups thead th')[%d].getAttribute('aria-sort')" % column)
                values = self.rows(browser, column)
                keys = [int(value) for value in values] if is_number else values
                in_order = sorted(keys, reverse=order == "descending")
                # Script compares by UTF-16 units.
                if not is_number:
                    in_order = sorted(keys, key=lambda text: text.encode("utf-16-be", "surrogatepass"),
                                      reverse=order == "descending")
                self.expect(order in ["ascending", "descending"] and keys == in_order,
                            "column %d is not sorted %s" % (column, order))
        browser.run((button + ".focus()") % 4)
        before = self.rows(browser, 4)
        browser.press("Enter", text="\r")
        sort = browser.run("document.querySelectorAll('#groups thead th')[4].getAttribute('aria-sort')")
        self.expect(sort == "descending" and sorted(before, key=int)[-1] == self.rows(browser, 4)[0],
                    "the Enter key does not sort")

    def check_filters(self, browser, report):
        """Words, verdicts and tags choose rows, and the status says how many."""
        groups = report["groups"]
        confidence = groups[-1]["confidence"]
        wanted = sum(1 for group in groups if group["confidence"] == confidence)
        browser.run("(e => { e.value = '%s'; e.dispatchEvent(new Event('change')) })"
                    "(document.getElementById('filter-confidence'))" % confidence)
        self.expect(len(self.rows(browser, 0)) == min(200, wanted), "the filter by confidence does not work")
        browser.run("document.querySelector('form.filters button').click()")
        time.sleep(0.1)
        self.expect(len(self.rows(browser, 0)) == min(200, len(groups)), "the filters are not cleared")
        name = groups[0]["sender"].lower()
        browser.run("(e => { e.focus(); e.value = %s; e.dispatchEvent(new Event('input')) })"
                    "(document.getElementById('filter-text'))" % json.dumps(name))
        time.sleep(0.5)
        found = self.rows(browser, 0)
        self.expect(found and all(all(word in text for word in name.split()) for text in found if name in text)
                    and any(name in text for text in found), "searching does not find a sender by name")
        browser.run("(e => { e.value = 'no such text'; e.dispatchEvent(new Event('input')) })"
                    "(document.getElementById('filter-text'))")
        time.sleep(0.5)
        self.expect(not self.rows(browser, 0), "a search for nothing finds something")
        self.expect("0 of %d" % len(groups) in browser.run("document.getElementById('shown').textContent"),
                    "the status does not say that nothing was found")
        browser.run("document.querySelector('form.filters button').click()")
        time.sleep(0.1)

    def check_details(self, browser):
        """A row opens and closes, and says so."""
        closed = browser.run("getComputedStyle(document.querySelector('#groups .detail')).display")
        browser.run("document.querySelector('.toggle').click()")
        state = browser.run("(t => [t.getAttribute('aria-expanded'),"
                            "getComputedStyle(document.getElementById(t.getAttribute('aria-controls'))).display])"
                            "(document.querySelector('.toggle'))")
        self.expect(closed == "none" and state == ["true", "table-row"], "details do not open: %s %s" % (closed, state))
        browser.run("document.querySelector('.toggle').click()")

    def check_silence(self, browser, page):
        """Nothing but the file itself was asked for, and nothing complained."""
        self.expect(browser.complaints() == [], "the console says %s" % browser.complaints())
        others = [url for url in browser.requests() if url != "file://" + page]
        self.expect(others == [], "the page asks for %s" % others)
        self.expect(browser.run("typeof window.taken") == "undefined", "a script of the input has run")
        foreign = browser.run(
            "Array.from(document.querySelectorAll('img,iframe,object,embed,link,form[action],[style],base,a'))"
            ".filter(e => !(e.localName === 'a' && e.getAttribute('href').startsWith('#'))).map(e => e.outerHTML)")
        self.expect(foreign == [], "the page has %s" % foreign)
        handlers = browser.run(
            "Array.from(document.querySelectorAll('*')).filter(e => Array.from(e.attributes).some(a => a.name.startsWith('on')))"
            ".length")
        self.expect(handlers == 0, "%d elements have handlers" % handlers)
        self.expect(browser.run("document.scripts.length") == 2, "there are more scripts than the page's own")

    def check_policy(self, browser):
        """Markup that slipped in would not run, nor fetch."""
        browser.run("(s => { s.textContent = 'window.taken = 1'; document.head.append(s) })(document.createElement('script'))")
        browser.run("(i => { i.src = 'https://example.invalid/x.png'; document.body.append(i) })(document.createElement('img'))")
        time.sleep(0.2)
        self.expect(browser.run("typeof window.taken") == "undefined", "the policy lets a foreign script run")
        refused = [text for text in browser.complaints() if "Content Security Policy" in text]
        self.expect(len(refused) >= 2, "the policy did not refuse: %s" % browser.complaints())
        self.expect(not any(url.startswith("https") for url in browser.requests()), "the policy lets a request out")

    def take_pictures(self, browser):
        """Screenshots in both widths and schemes, and the page as it prints."""
        for width, height in [(1280, 900), (390, 844)]:
            # The layout of so many rows takes long, and one of each shows it.
            for scheme in ["light", "dark"] if self.name != "many" else ["light"]:
                browser.show(width, height, scheme)
                path = "%s-%d-%s.png" % (self.name, width, scheme)
                browser.screenshot(os.path.join(self.folder, path))
                wide = browser.run("document.documentElement.scrollWidth")
                self.expect(wide <= width, "at %d the page is %d wide" % (width, wide))
                for problem in page_accessibility.problems(browser):
                    self.errors.append("%d %s: %s" % (width, scheme, problem))
        if self.name == "many":
            return
        printed = browser.call("Page.printToPDF", printBackground=True)["data"]
        with open(os.path.join(self.folder, self.name + "-print.pdf"), "wb") as file:
            file.write(base64.b64decode(printed))

    def measure(self, browser, loading):
        """How long it takes with ten thousand rows; the bounds are generous, for a machine that does other things."""
        script = ("(async () => { const e = document.getElementById('filter-text'); e.value = '%s'; const start ="
                  "performance.now(); e.dispatchEvent(new Event('input')); await new Promise(done => setTimeout(done, 121));"
                  "document.body.offsetHeight; return performance.now() - start - 121 })()")
        first = browser.run(script % "worker-77") / 1000
        again = browser.run(script % "worker-78 exact") / 1000
        sorting = browser.run("(() => { const start = performance.now(); document.querySelectorAll('#groups thead button')[4]"
                              ".click(); document.body.offsetHeight; return performance.now() - start })()") / 1000
        print("10,000 rows: load %.2f s, first search %.2f s, next search %.2f s, sort %.2f s"
              % (loading, first, again, sorting))
        self.expect(loading < 30 and first < 5 and again < 2 and sorting < 5, "ten thousand rows are too slow")
        browser.run("document.querySelector('form.filters button').click()")
        time.sleep(0.5)

    def run(self):
        """Makes the report, opens it, and checks everything."""
        with tempfile.TemporaryDirectory(prefix="whosent-report-") as place, devtools.Browser() as browser:
            page, report = self.make(place)
            browser.show(1280, 900, "light")
            loading = browser.open(page)
            self.check_silence(browser, page)
            self.check_contents(browser, report)
            if self.name == "many":
                self.measure(browser, loading)
            else:
                self.check_sorting(browser)
            self.check_filters(browser, report)
            self.check_details(browser)
            self.take_pictures(browser)
            self.check_silence(browser, page)
            self.check_policy(browser)
        return self.errors


def main():
    """Runs one check."""
    whosent, folder, name = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    errors = Check(os.path.abspath(whosent), folder, name).run()
    for error in errors:
        print("%s: %s" % (name, error), file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
