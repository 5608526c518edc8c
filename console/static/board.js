// A board: its drop-downs, time range and refresh, and the panels on their grid. Nothing reloads the page.

import { get } from "./api.js";
import { loadMarks } from "./annotations.js";
import { clear, el } from "./dom.js";
import { Grid } from "./grid.js";
import { expand } from "./macros.js";
import { onThemeChange } from "./theme.js";
import { durationMs, moment, momentText, RANGES, windowMs } from "./time.js";
import { Variables } from "./variables.js";

const REFRESHES = ["5s", "10s", "30s", "1m", "5m"];

export async function boardPage(page, uid) {
  const charts = get("/api/config").then((config) => script(config.charts));
  charts.catch(() => {}); // each chart says so itself
  const spec = await get(`/api/boards/${uid}`);
  document.title = `${spec.title} · Tocsin`;
  const board = new Board(spec, charts);
  board.mount(page);
  await board.start();
}

function script(address) {
  return new Promise((resolve, reject) => {
    const failed = () => reject(new Error(`the charting script did not load from ${address}`));
    document.head.append(el("script", { src: address, onload: () => resolve(window.Plotly), onerror: failed }));
  });
}

class Board {
  // `charts`: promise of the charting library; numbers and tables do not wait for it.
  constructor(spec, charts) {
    const wish = new URLSearchParams(location.search);
    this.spec = spec;
    this.charts = charts;
    this.choice = 0;
    this.from = wish.get("from") ?? spec.time?.from ?? "now-1h";
    this.to = wish.get("to") ?? spec.time?.to ?? "now";
    this.every = wish.get("refresh") ?? spec.refresh ?? "30s";
    this.variables = new Variables(spec.templating?.list ?? [], wish, () => this.#changed());
    this.grid = new Grid(spec.panels, () => this.#changed());
    this.status = el("span", { class: "status", role: "status" });
    this.running = null;
    this.timer = null;
  }

  mount(page) {
    this.ranges = el("select", { "aria-label": "Time range", onchange: () => this.setRange(this.ranges.value, "now") });
    this.refreshes = el("select", { "aria-label": "Refresh", onchange: () => this.#setRefresh(this.refreshes.value) });
    const bar = el("div", { class: "bar-top" }, el("h1", { title: this.spec.description ?? "" }, this.spec.title), el("div", { class: "controls" }, ...this.variables.controls(), this.status, this.ranges, this.refreshes));
    clear(page, bar, this.grid.root);
    this.#drawPickers();
  }

  async start() {
    onThemeChange(() => this.#refresh());
    document.addEventListener("visibilitychange", () => document.hidden || this.#refresh());
    await this.#changed();
  }

  setRange(from, to) {
    [this.from, this.to] = [from, to];
    this.#drawPickers();
    this.#changed();
  }

  timeParameters() {
    return new URLSearchParams({ from: this.from, to: this.to }).toString();
  }

  #setRefresh(every) {
    this.every = every;
    this.#remember();
    this.#schedule();
  }

  // A choice was made: what is under way is of no use any more.
  async #changed() {
    const choice = ++this.choice;
    this.#stop();
    try {
      await this.variables.load(this.#scope(), expand);
    } catch (error) {
      this.status.textContent = error.message;
    }
    if (choice !== this.choice) return;
    this.#stop();
    this.#remember();
    this.grid.arrange(this.variables);
    await this.#refresh();
  }

  #stop() {
    clearTimeout(this.timer);
    this.running?.abort();
    this.running = null;
  }

  async #refresh() {
    if (this.running) return;
    const running = new AbortController();
    this.running = running;
    const scope = this.#scope();
    scope.marks = loadMarks(this.spec, scope, running.signal).catch(() => []);
    await this.grid.refresh(scope, running.signal);
    if (this.running !== running) return;
    this.running = null;
    this.status.textContent = this.to === "now" ? `at ${new Date().toLocaleTimeString()}` : "";
    this.#schedule();
  }

  #scope() {
    const now = Date.now();
    const [from, to] = [moment(this.from, now), moment(this.to, now)];
    return { from, to, live: this.to === "now", windowMs: windowMs(to - from, 300, "10s"), variables: this.variables, charts: this.charts, board: this };
  }

  #schedule() {
    clearTimeout(this.timer);
    const wait = durationMs(this.every);
    if (wait && this.to === "now") this.timer = setTimeout(() => (document.hidden ? this.#schedule() : this.#refresh()), wait);
  }

  #remember() {
    const query = new URLSearchParams([["from", this.from], ["to", this.to], ["refresh", this.every], ...this.variables.parameters()]);
    history.replaceState(null, "", `${location.pathname}?${query}`);
  }

  #drawPickers() {
    const known = RANGES.some(([from]) => from === this.from && this.to === "now");
    const own = known ? [] : [[this.from, `${momentText(moment(this.from, Date.now()))} – ${momentText(moment(this.to, Date.now()))}`]];
    clear(this.ranges, ...[...own, ...RANGES].map(([value, words]) => el("option", { value, selected: value === this.from }, words)));
    const steps = REFRESHES.includes(this.every) ? REFRESHES : [this.every, ...REFRESHES];
    clear(this.refreshes, el("option", { value: "off", selected: this.every === "off" }, "no refresh"), ...steps.filter(durationMs).map((value) => el("option", { value, selected: value === this.every }, `every ${value}`)));
  }
}
