// The ground of every chart over time: values at the left, the clock below, marks across, and what the pointer does.
//
// Places are parts of a square that the browser stretches to what room there is: nothing is measured before it is drawn,
// and another width needs no drawing. Only what changed is drawn anew: the frame of a chart stays for as long as its panel.

import { clear, el, svg } from "../dom.js";
import { Pointer } from "./pointer.js";
import { labels, timeTicks } from "./timeaxis.js";

const SIDE = 1000;
const LAST_LABEL = 0.985;
/* farther to the right a time would be cut off by the panel's edge */

export class Chart {
  constructor() {
    this.values = el("div", { class: "values", "aria-hidden": "true" });
    this.picture = svg("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.flags = el("div", { class: "flags" });
    this.canvas = el("div", { class: "canvas" }, this.picture, this.flags);
    this.times = el("div", { class: "times", "aria-hidden": "true" });
    this.root = el("div", { class: "plot" }, this.values, this.canvas, this.times);
    this.pointer = new Pointer(this.canvas);
  }

  // `rows`: [{y, text}], the labels at the left, y as `heights` gives it; `content`: SVG elements; `told(at, part)`: what
  // the pointer at a moment and a part (0 to 1) of the height from above means: {at, rows: [{colour, name, text}]}, or null.
  draw({ from, to, board }, { rows, content, marks, told }) {
    const across = moments({ from, to });
    const seen = marks.filter(({ at }) => at >= from && at <= to);
    const times = timeTicks(from, to);
    const lines = [...rows.map(({ y }) => `M0 ${y}H${SIDE}`), ...times.map((at) => `M${across(at)} 0V${SIDE}`)];
    clear(this.picture, svg("path", { class: "gridlines", d: lines.join("") }), ...content, ...seen.map((mark) => rule(mark, across)));
    clear(this.flags, ...seen.map((mark) => flag(mark, across)));
    clear(this.values, ...rows.map(({ y, text }) => el("span", { style: { top: part(y) } }, text)));
    clear(this.times, ...labels(times, to - from).map(({ at, text }) => (across(at) > LAST_LABEL * SIDE ? null : el("span", { style: { left: part(across(at)) } }, text))));
    this.times.classList.toggle("dated", labels(times, to - from).some(({ text }) => text.length > 8));
    this.pointer.look({ from, to, board, told });
  }
}

// Where a moment stands.
export function moments({ from, to }) {
  return (at) => round(((at - from) / (to - from)) * SIDE);
}

// Where a value stands, `range` being [lowest, highest] of what is seen.
export function heights([bottom, top]) {
  return (value) => round(SIDE - ((value - bottom) / (top - bottom)) * SIDE);
}

function round(place) {
  return Math.round(place * 10) / 10;
}

function part(place) {
  return `${(place / SIDE) * 100}%`;
}

// Alerts and deploys: a line each, and a flag that says what it was.
function rule({ at, colour }, across) {
  return svg("path", { class: "mark", d: `M${across(at)} 0V${SIDE}`, stroke: colour });
}

function flag({ at, colour, title, text }, across) {
  const words = [title, text].filter(Boolean).join("\n");
  return el("span", { class: "flag", role: "img", "aria-label": words, title: words, style: { left: part(across(at)), color: colour } }, "▲");
}
