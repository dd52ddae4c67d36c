"""What a page lacks for those who do not see it, or not well: a small part of what axe-core checks, by Chromium's own
accessibility tree and computed styles.

Exceptions, with their reasons:
- Lines, bars and hatchings of pictures are not measured: each has its figure as text beside it, and every picture has a
  description; WCAG 1.4.11 asks for 3:1 only where the shape alone carries the meaning.
- Text of 0.8125rem and larger is held to 4.5:1 whatever its size; the laxer bound for large text is not used.
"""

# Roles that must have a name (WCAG 4.1.2, 1.1.1); a table has it from its caption.
NAMED = {"button", "link", "textbox", "searchbox", "combobox", "image", "img", "region", "navigation", "table", "form",
         "search", "columnheader", "rowheader", "heading"}

CONTRAST = """(() => {
  const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const luminance = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const parse = text => { const m = text.match(/[\\d.]+/g).map(Number); return m.length < 4 ? m.concat(1) : m; };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c[3] === 1) return c;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0, 1] : [255, 255, 255, 1];
  };
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walker.nextNode() && count < 4000) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || ["SCRIPT", "STYLE", "title", "desc", "OPTION"].includes(element.tagName)) continue;
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.height === 0) continue;
    count += 1;
    const style = getComputedStyle(element);
    const ink = parse(element.ownerSVGElement ? style.fill : style.color);
    const [a, b] = [luminance(ink), luminance(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) found.add(element.localName + "." + (element.getAttribute("class") ?? "") + " " + ratio.toFixed(2));
  }
  return count === 0 ? ["no text was measured"] : Array.from(found);
})()"""

STRUCTURE = """(() => {
  const found = [];
  const levels = Array.from(document.querySelectorAll("h1,h2,h3,h4"), e => Number(e.localName[1]));
  if (levels.filter(l => l === 1).length !== 1 || levels[0] !== 1) found.push("not exactly one first-level heading, first");
  levels.forEach((l, i) => { if (i > 0 && l > levels[i - 1] + 1) found.push("a heading level is skipped"); });
  for (const landmark of ["main", "header", "footer", "nav"]) {
    if (document.querySelectorAll("body > " + landmark + ", main > " + landmark).length !== 1) found.push("no single " + landmark);
  }
  if (!document.documentElement.lang || !document.title) found.push("no language or title");
  const ids = Array.from(document.querySelectorAll("[id]"), e => e.id);
  if (new Set(ids).size !== ids.length) found.push("an id occurs twice");
  for (const e of document.querySelectorAll("[aria-labelledby],[aria-controls],[href^='#']")) {
    const names = (e.getAttribute("aria-labelledby") ?? e.getAttribute("aria-controls") ?? e.getAttribute("href").slice(1)).split(" ");
    if (!names.every(name => document.getElementById(name))) found.push("a reference leads nowhere: " + names);
  }
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption) found.push("a table has no caption");
    if (Array.from(table.querySelectorAll("th")).some(th => !th.scope)) found.push("a table heading has no scope");
    for (const row of table.querySelectorAll("tbody > tr:not(.detail)")) {
      if (!row.querySelector("th[scope=row]")) { found.push("a row has no heading"); break; }
    }
  }
  for (const e of document.querySelectorAll("input,select")) if (!e.labels.length) found.push("a field has no label");
  if (document.querySelectorAll("[role=status]").length !== 1) found.push("no single status");
  for (const e of document.querySelectorAll(".scroll")) {
    if (e.scrollWidth > e.clientWidth && e.tabIndex !== 0) found.push("a region scrolls but cannot be focused");
  }
  return Array.from(new Set(found));
})()"""

FOCUS = """(() => {
  const found = [];
  for (const selector of ["a", "#groups thead button", ".toggle", "input", "select", ".filters button"]) {
    const element = Array.from(document.querySelectorAll(selector)).find(e => e.getClientRects().length);
    if (!element) { found.push("no " + selector + " to focus"); continue; }
    element.focus({ focusVisible: true });
    const style = getComputedStyle(element);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) found.push("the focus is not seen on " + selector);
  }
  document.activeElement.blur();
  return found;
})()"""


def unnamed(browser):
    """Elements of the accessibility tree that have a role to be named by, and no name."""
    # A page of ten thousand rows has a tree of a million nodes; its first levels and rows are like the rest.
    found = set()
    for node in browser.call("Accessibility.getFullAXTree", seconds=300)["nodes"]:
        role = node.get("role", {}).get("value")
        if role in NAMED and not node.get("ignored") and not node.get("name", {}).get("value", "").strip():
            found.add("a %s has no name" % role)
    return sorted(found)


def problems(browser):
    """Everything that is wrong, a sentence each."""
    found = browser.run(CONTRAST) + browser.run(STRUCTURE) + browser.run(FOCUS)
    if browser.run("document.querySelectorAll('#groups > tbody').length") < 1000:
        found += unnamed(browser)
    return found
