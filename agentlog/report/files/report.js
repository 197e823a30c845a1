"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const items = [...document.querySelectorAll(".step")];
  const moments = data.steps.map((step) => Date.parse(step.t.replace(/(\.\d{3})\d+/, "$1")));
  let now = -1;

  // --- the namespace at a step: the changes up to it, replayed
  function namesAt(number) {
    const process = data.steps[number].p, names = new Map();
    const apply = (sign, name, value, fresh) => {
      if (sign === "-") names.delete(name);
      else names.set(name, { text: value === undefined ? (names.get(name) || { text: "" }).text : data.values[value], sign, fresh });
    };
    for (const [of, sign, name, value] of data.before) if (of === process) apply(sign, name, value, false);
    for (let i = 0; i <= number; i++) {
      if (data.steps[i].p !== process) continue;
      for (const [sign, name, value] of data.steps[i].c) apply(sign, name, value, i === number);
    }
    return names;
  }

  function cell(tag, text) {
    const made = document.createElement(tag);
    made.textContent = text;
    return made;
  }

  function showNames(number) {
    const code = (text) => /^(module|function|type) /.test(text);
    const rank = ([name, is]) => [code(is.text) ? 1 : 0, name];
    const names = [...namesAt(number)].sort((a, b) => (String(rank(a)) < String(rank(b)) ? -1 : 1)), list = byId("names-list");
    byId("names-when").textContent = `after ${items[number].querySelector(".label").textContent} (${names.length})`;
    list.textContent = "";
    if (!names.length) { list.append(cell("p", "no names yet")); return; }
    const table = document.createElement("table"), body = document.createElement("tbody"), head = document.createElement("thead");
    const row = document.createElement("tr");
    for (const title of ["name", "value"]) { const th = cell("th", title); th.scope = "col"; row.append(th); }
    head.append(row);
    for (const [name, is] of names) {
      const line = document.createElement("tr");
      if (is.fresh) line.className = "fresh";
      else if (code(is.text)) line.className = "code";
      const first = cell("td", "");
      first.append(cell("code", name));
      if (is.fresh) first.append(" " + { "+": "new", "=": "rebound", "~": "changed", "?": "?" }[is.sign]);
      line.append(first, cell("td", is.text));
      body.append(line);
    }
    table.append(head, body);
    list.append(table);
  }

  // --- stepping
  function go(number, { scroll = true, remember = true } = {}) {
    if (number < 0 || number >= items.length) return;
    if (now >= 0) { items[now].classList.remove("now"); items[now].removeAttribute("aria-current"); }
    now = number;
    items[now].classList.add("now");
    items[now].setAttribute("aria-current", "step");
    document.documentElement.style.scrollPaddingTop = `${document.querySelector(".bar").offsetHeight + 8}px`;
    if (scroll) items[now].scrollIntoView({ block: "start" });
    const failed = data.steps[now].f ? ", failed" : "";
    byId("where").textContent = `Step ${now + 1} of ${items.length}: ${items[now].querySelector(".label").textContent}${failed}`;
    byId("before").disabled = next(-1) === null;
    byId("after").disabled = next(1) === null;
    showNames(now);
    if (remember) try { history.replaceState(null, "", "#s" + now); } catch (error) { /* some viewers allow no history */ }
  }

  function next(way, wanted = () => true) {
    for (let i = now + way; i >= 0 && i < items.length; i += way) if (!items[i].hidden && wanted(i)) return i;
    return null;
  }

  function move(way, wanted) {
    const found = next(way, wanted);
    if (found !== null) go(found);
  }

  function nextFailure() {
    const failed = (i) => data.steps[i].f;
    const found = next(1, failed);
    if (found !== null) go(found);
    else { const first = items.findIndex((item, i) => !item.hidden && failed(i)); if (first >= 0) go(first); }
  }

  byId("before").addEventListener("click", () => move(-1));
  byId("after").addEventListener("click", () => move(1));
  byId("next-failed").addEventListener("click", nextFailure);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input,select,textarea")) return;
    if (event.key === "ArrowRight") move(1);
    else if (event.key === "ArrowLeft") move(-1);
    else if (event.key === "f") nextFailure();
    else if (event.key === "/") { document.querySelector(".filters").open = true; byId("text").focus(); }
    else return;
    event.preventDefault();
  });
  items.forEach((item, i) => item.querySelector(".label").addEventListener("click", () => go(i, { scroll: false })));
  window.addEventListener("hashchange", () => fromHash());

  // --- filters
  const texts = items.map((item) => item.textContent.toLowerCase());
  const fields = ["text", "status", "kind", "since", "until"].map(byId);
  const fill = (select, values) => [...new Set(values)].sort().forEach((value) => { const o = cell("option", value.replace("_", " ")); o.value = value; select.append(o); });
  fill(byId("status"), data.steps.map((step) => step.s));
  fill(byId("kind"), data.steps.map((step) => step.k));

  function filter() {
    const [text, status, kind, since, until] = fields.map((field) => field.value);
    const words = text.toLowerCase(), from = since ? Date.parse(since) : -Infinity, to = until ? Date.parse(until) : Infinity;
    let count = 0;
    items.forEach((item, i) => {
      const step = data.steps[i];
      const fits = (!words || texts[i].includes(words)) && (!kind || step.k === kind) && moments[i] >= from && moments[i] <= to + 999
        && (!status || step.s === status || (status === "failed" && step.f));
      item.hidden = !fits;
      count += fits;
    });
    byId("matches").textContent = count === items.length ? "" : `${count} of ${items.length} steps`;
    byId("before").disabled = next(-1) === null;
    byId("after").disabled = next(1) === null;
  }
  byId("filters").addEventListener("input", filter);
  byId("filters").addEventListener("reset", () => setTimeout(filter));
  byId("filters").addEventListener("submit", (event) => { event.preventDefault(); move(1); });

  // --- images that were there before, printing, the first step
  document.querySelectorAll("img[data-same]").forEach((image) => { image.src = byId(image.dataset.same).src; });
  let opened = [];
  window.addEventListener("beforeprint", () => { opened = [...document.querySelectorAll("main details:not([open]),header details:not([open])")]; opened.forEach((one) => { one.open = true; }); });
  window.addEventListener("afterprint", () => { opened.forEach((one) => { one.open = false; }); });
  if (matchMedia("(max-width:55rem)").matches) document.querySelector("#names details").open = false;
  document.querySelector(".bar").hidden = false;
  function fromHash() {
    const wanted = /^#s(\d+)$/.exec(location.hash);
    if (wanted && Number(wanted[1]) !== now) go(Number(wanted[1]));
  }
  fromHash();
  if (now < 0 && items.length) go(0, { scroll: false, remember: false });
})();
