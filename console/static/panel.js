// The frame of every panel: title, description, state. What is drawn inside is a kind's business (kinds/catalog.js).
//
// data-panel-id and data-state (loading, ok, empty, error, unsupported) tell whoever looks from outside.

import { clear, el } from "./dom.js";
import { settings } from "./fields.js";
import { Follower } from "./follow.js";
import { fromWide, toSeries, toTable } from "./frames.js";
import { KINDS } from "./kinds/catalog.js";
import { durationMs, spanText, windowMs } from "./time.js";
import { transform } from "./transform.js";

const PIXELS_A_POINT = 3;
const FALLBACK_WIDTH = 600;

export class Panel {
  // `picks`: {variable: value} where the panel, or its row, is one of those repeated for a variable.
  constructor(spec, picks = {}) {
    this.spec = spec;
    this.picks = picks;
    this.kind = KINDS[spec.type] ?? null;
    this.body = el("div", { class: "body" });
    this.note = el("p", { class: "note", hidden: true, tabindex: 0 });
    const about = spec.description ? el("div", { class: "about", popover: true }, spec.description) : null;
    const tip = about ? el("button", { class: "tip", type: "button", title: spec.description, "aria-label": `About ${spec.title}: ${spec.description}` }, "?") : null;
    if (tip) tip.popoverTargetElement = about;
    this.title = el("h2", {}, spec.title ?? "");
    const heading = el("header", {}, this.title, this.#ownTime(), tip);
    const { x = 0, y = 0, w = 24, h = 8 } = spec.gridPos ?? {};
    this.root = el(
      "section",
      { class: `panel ${spec.type}`, "data-panel-id": spec.id, "data-state": "loading", "aria-label": spec.title ?? "", style: { "--x": x + 1, "--y": y + 1, "--w": w, "--h": h } },
      heading, this.body, this.note, about,
    );
    this.drawer = this.kind?.(this.body, spec) ?? null;
    this.targets = (spec.targets ?? []).filter((target) => !target.hide).map((target) => ({ target, follower: new Follower(target.query ?? "") }));
  }

  // Ask and draw. `scope`: {from, to, live, variables, marks: Promise<[mark]>, board}
  async refresh(scope, signal) {
    if (this.drawer?.static) return this.#state("ok", "");
    if (!this.drawer) return this.#unsupported();
    const own = this.#scope(scope);
    this.title.textContent = own.variables.plain(this.spec.title ?? "");
    try {
      const answers = await Promise.all(this.targets.map(async ({ target, follower }) => ({ target, answer: await follower.answer(own, signal) })));
      const data = this.#shape(answers);
      const marks = this.spec.timeShift ? [] : await scope.marks;
      const filled = await this.drawer.update(data, own, marks);
      this.#state(filled ? "ok" : "empty", filled ? "" : settings(this.spec, "").noValue || "no data in this range");
    } catch (error) {
      if (error.name !== "AbortError") this.#state("error", error.message);
    }
  }

  // Where the panel looks, when that is not where the board looks.
  #ownTime() {
    const { timeFrom, timeShift, hideTimeOverride } = this.spec;
    if (hideTimeOverride || !(timeFrom || timeShift)) return null;
    const words = [timeFrom && `last ${spanText(durationMs(timeFrom) / 1000)}`, timeShift && `${spanText(durationMs(timeShift) / 1000)} earlier`];
    return el("span", { class: "own-time" }, words.filter(Boolean).join(", "));
  }

  #scope(scope) {
    const window = durationMs(this.spec.timeFrom);
    const earlier = durationMs(this.spec.timeShift) ?? 0;
    const to = scope.to - earlier;
    const from = window ? to - window : scope.from - earlier;
    const points = (this.body.clientWidth || FALLBACK_WIDTH) / PIXELS_A_POINT;
    const variables = scope.variables.with(this.picks);
    return { ...scope, from, to, variables, windowMs: windowMs(to - from, this.spec.maxDataPoints ?? points, this.spec.interval) };
  }

  #shape(answers) {
    const tables = answers.filter(({ target }) => target.resultFormat === "table").map(({ answer }) => toTable([answer]));
    const series = answers.filter(({ target }) => target.resultFormat !== "table").flatMap(({ target, answer }) => toSeries(answer, target.alias));
    const table = transform(tables, this.spec.transformations);
    return { series: [...series, ...fromWide(table, series)], table };
  }

  #state(state, words) {
    this.root.dataset.state = state;
    this.root.setAttribute("aria-busy", "false");
    this.note.textContent = words;
    this.note.hidden = words === "";
  }

  #unsupported() {
    const queries = (this.spec.targets ?? []).map((target) => el("code", {}, target.query ?? ""));
    clear(this.body, el("p", {}, `The console draws no panel of the kind "${this.spec.type}"; Grafana does. Its query:`), ...queries);
    this.#state("unsupported", "");
  }
}
