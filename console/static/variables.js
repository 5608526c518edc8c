// The drop-downs of a board: filled by queries, all at once but for those that ask by what an earlier one will turn out to be.

import { query } from "./api.js";
import { clear, el } from "./dom.js";

const ALL = "$__all";

export class Variables {
  // `specs`: templating.list of the board; `picked`: URLSearchParams with var-NAME; `changed`: called after a choice.
  constructor(specs, picked, changed) {
    this.items = specs.filter((spec) => ["query", "custom", "constant", "textbox"].includes(spec.type)).map((spec) => ({
      spec,
      options: customOptions(spec),
      value: initial(spec, picked.getAll(`var-${spec.name}`)),
      isLoaded: spec.type !== "query",
    }));
    this.changed = changed;
  }

  // Ask for the values of each; `scope` as for macros, without variables.
  async load(scope, expand) {
    const asked = new Map();
    for (const item of this.items.filter(({ spec }) => spec.type === "query")) {
      const text = item.spec.query?.query ?? item.spec.query;
      const before = [...asked].filter(([other]) => mentions(text, other) && !isAny(other)).map(([, answer]) => answer);
      asked.set(item, Promise.all(before).then(() => this.#ask(item, expand(text, { ...scope, variables: this }))));
    }
    await Promise.all(asked.values());
  }

  async #ask(item, statement) {
    const series = await query(statement);
    const values = series.flatMap((one) => one.values.map((row) => String(row.at(-1))));
    item.options = [...new Set(values)].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    item.value = item.value.filter((value) => value === ALL || item.options.includes(value));
    if (item.value.length === 0) item.value = item.spec.includeAll ? [ALL] : item.options.slice(0, 1);
    item.isLoaded = true;
    item.redraw?.();
  }

  // Every one has a value that queries can be written with, before any was asked for its options: what is picked stays,
  // as a rule.
  get isReady() {
    return this.items.every((item) => isAny(item) || (item.value.length > 0 && (item.isLoaded || !item.value.includes(ALL))));
  }

  // The options are here.
  isLoaded(name) {
    return this.#find(name)?.isLoaded ?? true;
  }

  // In a query. `picks`: {name: value} of a repeated panel, instead of what is picked above.
  expand(text, picks = {}) {
    return this.#replaced(text, picks, written);
  }

  // In a title, as people read it.
  plain(text, picks = {}) {
    return this.#replaced(text, picks, (item) => (item.value.includes(ALL) ? "All" : item.value.join(" + ")));
  }

  // The values that a panel or row is repeated for.
  values(name) {
    const item = this.#find(name);
    if (!item) return [];
    return item.value.includes(ALL) ? item.options : item.value;
  }

  // The same variables as a repeated panel sees them.
  with(picks) {
    return { expand: (text) => this.expand(text, picks), plain: (text) => this.plain(text, picks), parameters: () => this.parameters(picks) };
  }

  // For links to other boards and for this page's own address.
  parameters(picks = {}) {
    return this.items.flatMap((item) => [picks[item.spec.name] ?? item.value].flat().map((value) => [`var-${item.spec.name}`, value]));
  }

  #find(name) {
    return this.items.find((one) => one.spec.name === name);
  }

  #replaced(text, picks, write) {
    return text.replace(/\$\{(\w+)(?::(\w+))?\}|\$(\w+)/g, (whole, braced, form, bare) => {
      const item = this.#find(braced ?? bare);
      if (!item) return whole;
      const picked = picks[item.spec.name];
      return write(picked === undefined ? item : { ...item, value: [picked] }, form);
    });
  }

  controls() {
    return this.items.filter((item) => item.spec.type !== "constant" && item.spec.hide !== 2).map((item) => this.#control(item));
  }

  #control(item) {
    const summary = el("summary", {});
    const list = el("div", { class: "options", role: "group", "aria-label": item.spec.label || item.spec.name });
    const box = el("details", { class: "variable" }, summary, list);
    const pick = (value, on) => {
      choose(item, value, on);
      item.redraw();
      this.changed();
    };
    item.redraw = () => {
      clear(summary, el("span", { class: "label" }, item.spec.label || item.spec.name), shown(item));
      const values = item.spec.includeAll ? [ALL, ...item.options] : item.options;
      clear(list, ...values.map((value) => option(item, value, pick)));
    };
    item.redraw();
    document.addEventListener("click", (event) => box.contains(event.target) || box.removeAttribute("open"));
    box.addEventListener("keydown", (event) => event.key === "Escape" && box.removeAttribute("open"));
    return box;
  }
}

// All of it, in words that need no option: nothing hangs on which there are.
function isAny({ spec, value }) {
  return value.length === 1 && value[0] === ALL && Boolean(spec.allValue);
}

function mentions(text, { spec }) {
  return new RegExp(`\\$(\\{${spec.name}\\b|${spec.name}\\b)`).test(text);
}

function option(item, value, pick) {
  const kind = item.spec.multi ? "checkbox" : "radio";
  const input = el("input", { type: kind, name: item.spec.name, checked: item.value.includes(value) });
  input.addEventListener("change", () => pick(value, input.checked));
  return el("label", {}, input, value === ALL ? "All" : value);
}

function choose(item, value, on) {
  if (value === ALL || !item.spec.multi) item.value = [value];
  else if (on) item.value = [...item.value.filter((one) => one !== ALL), value];
  else item.value = item.value.filter((one) => one !== value);
  if (item.value.length === 0) item.value = item.spec.includeAll ? [ALL] : item.options.slice(0, 1);
}

function shown(item) {
  if (item.value.includes(ALL)) return "All";
  return item.value.length > 2 ? `${item.value.length} picked` : item.value.join(", ") || "none";
}

function customOptions(spec) {
  return spec.type === "custom" || spec.type === "constant" ? String(spec.query ?? "").split(",").map((one) => one.trim()) : [];
}

function initial(spec, picked) {
  if (picked.length > 0) return picked;
  const current = [spec.current?.value ?? []].flat().map(String);
  if (current.length > 0) return current;
  return spec.includeAll ? [ALL] : customOptions(spec).slice(0, 1);
}

function written(item, form) {
  const all = item.value.includes(ALL);
  if (all && item.spec.allValue) return item.spec.allValue;
  const values = all ? item.options : item.value;
  if (form === "regex") {
    const escaped = values.map((value) => value.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
    return escaped.length === 1 ? escaped[0] : `(${escaped.join("|")})`;
  }
  return values.join(",");
}
