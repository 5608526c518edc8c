// A board: its drop-downs, time range and refresh, and the panels on their grid. Nothing reloads the page.

import { get } from "./api.js";
import { loadMarks } from "./annotations.js";
import { clear, el } from "./dom.js";
import { Grid } from "./grid.js";
import { keyboard } from "./keys.js";
import { expand } from "./macros.js";
import { Range } from "./range.js";
import { onThemeChange } from "./theme.js";
import { clockText, durationMs, windowMs } from "./time.js";
import { Variables } from "./variables.js";

const REFRESHES = ["5s", "10s", "30s", "1m", "5m"];

export async function boardPage(page, uid) {
  const spec = await get(`/api/boards/${uid}`);
  document.title = `${spec.title} · Tocsin`;
  const board = new Board(spec);
  board.mount(page);
  await board.start();
}

class Board {
  constructor(spec) {
    const wish = new URLSearchParams(location.search);
    this.spec = spec;
    this.choice = 0;
    this.range = new Range(wish.get("from") ?? spec.time?.from ?? "now-1h", wish.get("to") ?? spec.time?.to ?? "now", () => this.#changed());
    this.kiosk = wish.has("kiosk");
    this.every = wish.get("refresh") ?? spec.refresh ?? "30s";
    this.variables = new Variables(spec.templating?.list ?? [], wish, () => this.#changed());
    this.grid = new Grid(spec.panels, () => this.#changed());
    this.status = el("span", { class: "status", role: "status" });
    this.running = null;
    this.asked = null;
    this.timer = null;
  }

  mount(page) {
    this.refreshes = el("select", { "aria-label": "Refresh", onchange: () => this.#setRefresh(this.refreshes.value) });
    const bar = el("div", { class: "bar-top" }, el("h1", { title: this.spec.description ?? "" }, this.spec.title), el("div", { class: "controls" }, ...this.variables.controls(), this.status, this.range.controls, this.refreshes));
    clear(page, bar, this.grid.root);
    this.#drawRefreshes();
    document.body.classList.toggle("kiosk", this.kiosk);
    keyboard([
      ["r", "Ask again now", () => this.#refresh()],
      ["[", "Earlier", () => this.range.shift(-1)],
      ["]", "Later", () => this.range.shift(1)],
      ["-", "Zoom out", () => this.range.widen()],
      ["k", "Nothing but the panels, as on a wall", () => this.#toggleKiosk()],
    ]);
  }

  async start() {
    onThemeChange(() => this.#refresh());
    document.addEventListener("visibilitychange", () => document.hidden || this.#refresh());
    await this.#changed();
  }

  setRange(from, to) {
    this.range.set(from, to);
  }

  timeParameters() {
    return new URLSearchParams({ from: this.range.from, to: this.range.to }).toString();
  }

  #toggleKiosk() {
    this.kiosk = !this.kiosk;
    document.body.classList.toggle("kiosk", this.kiosk);
    this.#remember();
  }

  #setRefresh(every) {
    this.every = every;
    this.#remember();
    this.#schedule();
  }

  // A choice was made: what is under way is of no use any more.
  async #changed() {
    const choice = ++this.choice;
    this.grid.root.setAttribute("aria-busy", "true");
    try {
      await this.#take(choice);
    } finally {
      if (choice === this.choice) this.grid.root.setAttribute("aria-busy", "false");
    }
  }

  // Done when the last panel is drawn, with those that are repeated for values which had to be asked for first.
  async #take(choice) {
    this.#stop();
    const loading = this.variables.load(this.#scope(), expand).catch((error) => (this.status.textContent = error.message));
    if (!this.variables.isReady) await loading;
    if (choice !== this.choice) return;
    const meant = this.#show();
    const asked = this.#refresh();
    await loading;
    if (choice !== this.choice) return;
    if (this.variables.parameters().toString() !== meant) {
      this.#show();
      await this.#refresh();
      return;
    }
    const { scope, signal } = this.asked;
    await Promise.all([asked, this.grid.refresh(scope, signal, this.grid.arrange(this.variables))]);
  }

  // Lay out what is picked, and keep it in the address; returns what is picked.
  #show() {
    this.#stop();
    this.#remember();
    this.grid.arrange(this.variables);
    return this.variables.parameters().toString();
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
    this.asked = { scope, signal: running.signal };
    await this.grid.refresh(scope, running.signal);
    if (this.running !== running) return;
    this.running = null;
    this.status.textContent = this.range.isLive ? `at ${clockText(Date.now())}` : "";
    this.#schedule();
  }

  #scope() {
    const [from, to] = this.range.moments();
    return { from, to, live: this.range.isLive, windowMs: windowMs(to - from, 300, "10s"), variables: this.variables, board: this };
  }

  #schedule() {
    clearTimeout(this.timer);
    const wait = durationMs(this.every);
    if (wait && this.range.isLive) this.timer = setTimeout(() => (document.hidden ? this.#schedule() : this.#refresh()), wait);
  }

  #remember() {
    const query = new URLSearchParams([["from", this.range.from], ["to", this.range.to], ["refresh", this.every], ...this.variables.parameters()]);
    if (this.kiosk) query.set("kiosk", "");
    history.replaceState(null, "", `${location.pathname}?${query}`);
  }

  #drawRefreshes() {
    const steps = REFRESHES.includes(this.every) ? REFRESHES : [this.every, ...REFRESHES];
    clear(this.refreshes, el("option", { value: "off", selected: this.every === "off" }, "no refresh"), ...steps.filter(durationMs).map((value) => el("option", { value, selected: value === this.every }, `every ${value}`)));
  }
}
