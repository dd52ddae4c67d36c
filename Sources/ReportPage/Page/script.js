"use strict";
// Sorts, filters and pages the table of groups. Without it the page has every row and every detail.
(function () {
  const page = 200;
  const table = document.getElementById("groups");
  const shown = document.getElementById("shown");
  const text = document.getElementById("filter-text");
  const selects = ["verdict", "confidence", "tag"].map(function (name) {
    return { name: name, element: document.getElementById("filter-" + name) };
  });
  const more = document.getElementById("show-more");
  const all = document.getElementById("show-all");
  const headers = Array.from(table.tHead.rows[0].cells);
  const total = table.tBodies.length;
  let limit = page;

  // What a row is sorted and searched by is read once, when it is first asked for.
  const groups = Array.from(table.tBodies, function (body, index) {
    return { body: body, index: index, keys: [], text: null };
  });

  function key(group, column) {
    if (group.keys[column] === undefined) {
      const cell = group.body.rows[0].cells[column];
      const raw = cell.dataset.s;
      group.keys[column] = raw === undefined ? cell.textContent.toLowerCase() : BigInt(raw);
    }
    return group.keys[column];
  }

  function matches(group, words, wanted) {
    for (const choice of wanted) {
      if (group.body.dataset[choice.name] !== choice.value) return false;
    }
    if (words.length === 0) return true;
    if (group.text === null) group.text = group.body.textContent.toLowerCase();
    return words.every(function (word) { return group.text.includes(word); });
  }

  function update() {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = selects.map(function (select) {
      return { name: select.name, value: select.element.value };
    }).filter(function (choice) { return choice.value !== ""; });
    let found = 0;
    for (const group of groups) {
      const fits = matches(group, words, wanted);
      if (fits) found += 1;
      const state = !fits ? "out" : found > limit ? "beyond" : "";
      if (group.body.className !== state) group.body.className = state;
    }
    const visible = Math.min(found, limit);
    shown.textContent = found === total
      ? (visible === total ? total + (total === 1 ? " row" : " rows") : "The first " + visible + " of " + total + " rows")
      : (visible === found ? found + " of " + total + " rows match"
        : "The first " + visible + " of " + found + " rows that match, of " + total);
    more.hidden = found <= limit;
    all.hidden = found <= limit;
  }

  function sort(column) {
    const header = headers[column];
    const isNumber = column === 2 || column >= 4;
    const before = header.getAttribute("aria-sort");
    // Figures are most wanted from the largest down, names and times from the begin.
    const first = isNumber && column < 6 ? "descending" : "ascending";
    const order = before === null || before === "none" ? first : before === "ascending" ? "descending" : "ascending";
    const sign = order === "ascending" ? 1 : -1;
    groups.sort(function (left, right) {
      const a = key(left, column), b = key(right, column);
      return a < b ? -sign : a > b ? sign : left.index - right.index;
    });
    for (const other of headers) other.setAttribute("aria-sort", other === header ? order : "none");
    const fragment = document.createDocumentFragment();
    for (const group of groups) fragment.append(group.body);
    table.append(fragment);
    limit = page;
    update();
  }

  headers.forEach(function (header, column) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    header.setAttribute("aria-sort", "none");
    button.addEventListener("click", function () { sort(column); });
  });

  function toggle(body, button) {
    const isOpen = body.toggleAttribute("data-open");
    button.setAttribute("aria-expanded", String(isOpen));
  }

  // One listener and a button a row, made when the row is first shown, keep ten thousand rows cheap.
  function addButtons() {
    for (const group of groups) {
      if (group.body.className !== "" || group.hasButton) continue;
      group.hasButton = true;
      const cell = group.body.rows[0].cells[0];
      const button = document.createElement("button");
      button.type = "button";
      button.className = "toggle";
      button.textContent = "Details";
      button.setAttribute("aria-expanded", "false");
      button.setAttribute("aria-controls", group.body.rows[1].id);
      button.setAttribute("aria-label", "Details of " + cell.firstElementChild.textContent);
      cell.append(button);
    }
  }

  table.addEventListener("click", function (event) {
    const button = event.target.closest("button.toggle");
    if (button) toggle(button.closest("tbody"), button);
  });

  function refresh() {
    update();
    addButtons();
  }

  // Typing fast must not filter once a letter.
  let waiting = 0;
  text.addEventListener("input", function () {
    clearTimeout(waiting);
    waiting = setTimeout(function () { limit = page; refresh(); }, 120);
  });
  for (const select of selects) {
    select.element.addEventListener("change", function () { limit = page; refresh(); });
  }
  const form = document.querySelector("form.filters");
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  form.addEventListener("reset", function () { setTimeout(function () { limit = page; refresh(); }, 0); });
  more.addEventListener("click", function () { limit += page; refresh(); });
  all.addEventListener("click", function () { limit = Infinity; refresh(); });
  for (const header of headers) header.addEventListener("click", addButtons);
  refresh();
})();
