// The time range of a board: a list of usual ones, two moments of one's own, and steps back, forward and out.

import { clear, el } from "./dom.js";
import { fromWallClock, moment, momentText, RANGES, wallClock } from "./time.js";

const NEARLY = 10;

export class Range {
  // `changed()` is called when somebody chose another.
  constructor(from, to, changed) {
    [this.from, this.to] = [from, to];
    this.changed = changed;
    this.words = el("summary", { "aria-label": "Time range" });
    this.first = field("From");
    this.last = field("To");
    this.list = el("div", { class: "usual" });
    const own = el("form", { class: "own", onsubmit: (event) => this.#take(event) }, this.first.label, this.last.label, el("button", { type: "submit" }, "Show"));
    this.root = el("details", { class: "range" }, this.words, el("div", { class: "options" }, this.list, own));
    const step = (label, words, action) => el("button", { type: "button", title: words, "aria-label": words, onclick: action }, label);
    this.controls = el("div", { class: "steps" }, step("‹", "Earlier", () => this.shift(-1)), this.root, step("›", "Later", () => this.shift(1)), step("−", "Zoom out", () => this.widen()));
    this.draw();
  }

  get isLive() {
    return this.to === "now";
  }

  set(from, to) {
    [this.from, this.to] = [String(from), String(to)];
    this.root.open = false;
    this.draw();
    this.changed();
  }

  // Half a range earlier (-1) or later (1). Nearly now, or later, is live again, with the same length.
  shift(direction) {
    const [from, to] = this.moments();
    const half = Math.round(((to - from) / 2) * direction);
    if (direction > 0 && to + half >= Date.now() - half / NEARLY) this.#live(to - from);
    else this.set(from + half, to + half);
  }

  // Twice as much: a live range grows into the past, another one both ways.
  widen() {
    const [from, to] = this.moments();
    if (this.isLive) this.#live(2 * (to - from));
    else this.set(from - (to - from) / 2, Math.min(to + (to - from) / 2, Date.now()));
  }

  moments(now = Date.now()) {
    return [moment(this.from, now), moment(this.to, now)];
  }

  draw() {
    const [from, to] = this.moments();
    const usual = RANGES.find(([start]) => start === this.from && this.isLive);
    this.words.textContent = usual?.[1] ?? `${momentText(from)} – ${this.isLive ? "now" : momentText(to)}`;
    clear(this.list, ...RANGES.map(([start, words]) => el("button", { type: "button", "aria-pressed": String(start === usual?.[0]), onclick: () => this.set(start, "now") }, words)));
    this.first.input.value = wallClock(from).slice(0, 19);
    this.last.input.value = wallClock(to).slice(0, 19);
  }

  #live(span) {
    this.set(`now-${Math.round(span / 1000)}s`, "now");
  }

  #take(event) {
    event.preventDefault();
    const [from, to] = [fromWallClock(this.first.input.value), fromWallClock(this.last.input.value)];
    const problem = from < to ? "" : "the end is not behind the beginning";
    this.last.input.setCustomValidity(problem);
    if (problem) this.last.input.reportValidity();
    else this.set(from, to);
  }
}

function field(words) {
  const input = el("input", { type: "datetime-local", step: 1, required: true, oninput: () => input.setCustomValidity("") });
  return { input, label: el("label", {}, words, input) };
}
