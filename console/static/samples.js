// The newest datapoints of an alert, drawn small: a line, its gaps, and the thresholds across it.

import { el, svg } from "./dom.js";
import { format } from "./units.js";
import { momentText } from "./time.js";

const WIDTH = 600;
const HEIGHT = 120;
const EDGE = 10;
const LIMIT = /^\s*[<>=!]+\s*(-?[\d.e+-]+)\s*$/i;

// `limits`: {warning: "> 300", critical: "> 800"}, either may be null.
export function samplesFigure(samples, limits) {
  const known = samples.filter(({ value }) => value !== null);
  if (known.length === 0) return el("p", { class: "none" }, "No datapoint is kept.");
  const lines = Object.entries(limits).flatMap(([level, text]) => (LIMIT.test(text ?? "") ? [[level, Number(LIMIT.exec(text)[1])]] : []));
  const scale = scaled(samples, [...known.map(({ value }) => value), ...lines.map(([, bound]) => bound)]);
  const picture = svg(
    "svg",
    { class: "samples", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": spoken(known, lines) },
    ...lines.map(([level, bound]) => svg("line", { class: `limit ${level}`, x1: 0, x2: WIDTH, y1: scale.y(bound), y2: scale.y(bound) })),
    ...runs(samples).map((run) => svg("polyline", { class: run.length === 2 && run[0] === run[1] ? "lone" : null, points: run.map(({ at, value }) => `${scale.x(at)},${scale.y(value)}`).join(" ") })),
  );
  return el("figure", { class: "samples-figure" }, picture, table(samples));
}

function scaled(samples, values) {
  const [from, to] = [samples[0].at, samples.at(-1).at].map(Date.parse);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const part = (value, low, high) => (high > low ? (value - low) / (high - low) : 0.5);
  return {
    x: (at) => EDGE + part(Date.parse(at), from, to) * (WIDTH - 2 * EDGE),
    y: (value) => HEIGHT - EDGE - part(value, least, most) * (HEIGHT - 2 * EDGE),
  };
}

// Datapoints between gaps; one alone is drawn as a dot.
function runs(samples) {
  const found = [[]];
  for (const sample of samples) {
    if (sample.value !== null) found.at(-1).push(sample);
    else if (found.at(-1).length > 0) found.push([]);
  }
  return found.filter((run) => run.length > 0).map((run) => (run.length === 1 ? [run[0], run[0]] : run));
}

function spoken(known, lines) {
  const limits = lines.map(([level, bound]) => `${level} at ${bound}`).join(", ");
  return `${known.length} datapoints, the newest ${known.at(-1).value}${limits ? `; ${limits}` : ""}`;
}

function table(samples) {
  const rows = samples.toReversed().map(({ at, value }) => el("tr", {}, el("td", {}, el("time", { datetime: at }, momentText(Date.parse(at)))), el("td", { class: "number" }, value === null ? "no data" : format(value, "none", null))));
  const head = el("tr", {}, el("th", { scope: "col" }, "evaluated at"), el("th", { scope: "col", class: "number" }, "value"));
  return el("details", { "data-key": "samples" }, el("summary", { "data-key": "samples-summary" }, `${samples.length} datapoints`), el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
}
