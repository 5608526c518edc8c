// The panels of a board on their grid: rows that fold, and rows and panels that are repeated for each value of a variable.
//
// `arrange` lays out anew what is repeated for other values than before; `refresh` asks for what can be seen: a folded row
// asks for nothing until it is opened, and what is repeated is not there before its values are known.

import { clear, el } from "./dom.js";
import { Panel } from "./panel.js";

const COLUMNS = 24;
const MOST_REPEATED = 24;

export class Grid {
  // `specs`: panels of the board's file; `opened(panels)`: called when a row is unfolded.
  constructor(specs, opened) {
    this.sections = sections(specs);
    this.opened = opened;
    this.folded = new Map();
    this.root = el("div", { class: "sections" });
    this.drawn = [];
  }

  // Returns the sections that were not there before.
  arrange(variables) {
    const repeated = this.sections.map((section) => repeats(section, variables)).flat();
    const before = new Map(this.drawn.map((section) => [section.key, section]));
    const drawn = repeated.map((section, index) => {
      const key = JSON.stringify([index, section.title, section.picks, section.placed.map((one) => [one.spec.id, one.picks])]);
      return before.get(key) ?? { key, ...this.#draw(section, index) };
    });
    const fresh = drawn.filter(({ key }) => !before.has(key));
    if (fresh.length > 0 || drawn.length !== this.drawn.length) clear(this.root, ...drawn.flatMap(({ heading, grid }) => [heading, grid]));
    this.drawn = drawn;
    return fresh;
  }

  // `sections`: those to ask for, as `arrange` gave them; all without it.
  refresh(scope, signal, sections = this.drawn) {
    const seen = sections.filter(({ grid }) => !grid.hidden).flatMap(({ panels }) => panels);
    return Promise.all(seen.map((panel) => panel.refresh(scope, signal)));
  }

  #draw({ row, picks, placed, title }, index) {
    const panels = placed.map((one) => new Panel(one.spec, { ...picks, ...one.picks }));
    const grid = el("div", { class: "grid" }, ...panels.map((panel) => panel.root));
    for (const panel of lonely(panels)) panel.root.classList.add("lonely");
    if (!row) return { heading: null, grid, panels };
    const known = `${index}:${title}`;
    grid.hidden = this.folded.get(known) ?? row.collapsed === true;
    const fold = () => {
      grid.hidden = !grid.hidden;
      this.folded.set(known, grid.hidden);
      button.setAttribute("aria-expanded", String(!grid.hidden));
      if (!grid.hidden) this.opened(panels);
    };
    const button = el("button", { type: "button", "aria-expanded": String(!grid.hidden), onclick: fold }, title);
    const heading = el("section", { class: "row-heading", "aria-label": title }, el("h2", {}, button));
    return { heading, grid, panels };
  }
}

// On a phone two numbers stand beside each other: the last of an odd few has the line to itself.
function lonely(panels) {
  const isStat = (panel) => panel?.spec.type === "stat";
  let few = 0;
  return panels.filter((panel, at) => {
    few = isStat(panel) ? few + 1 : 0;
    return few % 2 === 1 && !isStat(panels[at + 1]);
  });
}

// What stands under each row; panels above the first row stand under none. A folded row carries its panels itself.
function sections(specs) {
  const found = [{ row: null, panels: [] }];
  const order = [...specs].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
  for (const spec of order) {
    if (spec.type === "row") found.push({ row: spec, panels: [...(spec.panels ?? [])] });
    else found.at(-1).panels.push(spec);
  }
  return found.filter(({ row, panels }) => row || panels.length > 0);
}

function repeats({ row, panels }, variables) {
  const isKnown = ({ repeat }) => !repeat || variables.isLoaded(repeat);
  if (row && !isKnown(row)) return [];
  return each(row?.repeat, variables).map((picks) => ({
    row,
    picks,
    title: row ? variables.with(picks).plain(row.title ?? "") : "",
    placed: place(panels.filter(isKnown), variables),
  }));
}

// One for each value of the variable; once, where nothing is repeated.
function each(name, variables) {
  const values = name ? variables.values(name).slice(0, MOST_REPEATED) : [];
  return values.length > 0 ? values.map((value) => ({ [name]: value })) : [{}];
}

// Places within the section: a repeated panel takes whole lines, and what stands below it moves down.
function place(panels, variables) {
  const top = Math.min(...panels.map(({ gridPos }) => gridPos.y));
  let lower = 0;
  return panels.flatMap((spec) => {
    const all = each(spec.repeat, variables);
    const { x, y, w, h } = spec.gridPos;
    const start = y - top + lower;
    if (!spec.repeat) return [{ spec: { ...spec, gridPos: { x, y: start, w, h } }, picks: {} }];
    const beside = Math.min(all.length, spec.maxPerRow ?? 4);
    lower += (Math.ceil(all.length / beside) - 1) * h;
    const width = Math.floor(COLUMNS / beside);
    return all.map((picks, at) => ({ spec: { ...spec, gridPos: { x: (at % beside) * width, y: start + Math.floor(at / beside) * h, w: width, h } }, picks }));
  });
}
