// Lines or bars over time. Our own legend below, so that it wraps on a phone and shows its numbers.

import { clear, el, svg } from "../dom.js";
import { colourOf, settings, written } from "../fields.js";
import { reduce } from "../frames.js";
import { named } from "../theme.js";
import { axis } from "./axis.js";
import { Chart, heights, moments } from "./chart.js";
import { strokes } from "./lines.js";

const MOST_SERIES = 40;

export function timeseries(body, spec) {
  const chart = new Chart();
  const legend = el("ul", { class: "legend" });
  const hidden = new Set();
  let last = null;
  clear(body, chart.root, legend);

  const draw = () => {
    const { series, more, scope, marks } = last;
    const lines = series.map((one, index) => line(spec, one, index)).filter(({ values }) => values.some((value) => value !== null));
    const shown = lines.filter(({ name }) => !hidden.has(name));
    drawLegend(legend, spec, lines, hidden, draw);
    if (more > 0) legend.append(el("li", { class: "calc" }, `and ${more} more, not drawn: pick fewer above`));
    chart.draw(scope, picture(spec, shown, scope, marks));
  };

  return {
    update({ series }, scope, marks) {
      last = { series: series.slice(0, MOST_SERIES), more: series.length - MOST_SERIES, scope, marks };
      draw();
      return series.some((one) => one.values.some((value) => value !== null));
    },
  };
}

function line(spec, one, index) {
  const setting = settings(spec, one.name);
  const custom = setting.custom ?? {};
  return { ...one, name: setting.displayName ?? one.name, setting, custom, colour: colourOf(setting, index), points: bridged(one.times, one.values, custom) };
}

function picture(spec, shown, scope, marks) {
  const setting = settings(spec, "");
  const { range, ticks } = axis(ofAxis(setting, shown), shown);
  const [across, up] = [moments(scope), heights(range)];
  const content = [...limits(setting, up), ...strokes(shown, { across, up, windowMs: scope.windowMs })];
  return { rows: ticks.map(({ value, text }) => ({ y: up(value), text })), content, marks, told: (at) => told(shown, at) };
}

// What the lines say at the moment next to `at` that any of them has a value at.
function told(shown, at) {
  const near = shown.flatMap(({ points }) => points.filter(([, value]) => value !== null)).reduce((best, [when]) => (Math.abs(when - at) < Math.abs(best - at) ? when : best), Infinity);
  if (!Number.isFinite(near)) return null;
  const there = shown.map((one) => ({ ...one, value: one.points.find(([when]) => when === near)?.[1] ?? null }));
  const rows = there.filter(({ value }) => value !== null).map(({ name, colour, value, setting }) => ({ name, colour, text: written(value, setting) ?? "" }));
  return { at: near, rows };
}

// Points in order, nulls left out where the gap is one that the panel bridges (spanNulls: true, or up to so many ms).
function bridged(times, values, custom) {
  const most = custom.spanNulls === true ? Infinity : Number(custom.spanNulls || 0);
  const points = [];
  let previous = null;
  times.forEach((at, index) => {
    if (values[index] === null) return;
    const holes = previous !== null && index - previous > 1;
    if (holes && at - times[previous] > most) points.push([times[previous + 1], null]);
    points.push([at, values[index]]);
    previous = index;
  });
  return points;
}

// The axis has the unit that all its lines have, or else the panel's.
function ofAxis(setting, shown) {
  const units = new Set(shown.map((one) => one.setting.unit));
  return units.size === 1 ? { ...setting, unit: [...units][0] } : setting;
}

// A line at each limit, in the colour of its worse side: above it, or below where lower is worse.
function limits(setting, up) {
  if (setting.custom?.thresholdsStyle?.mode !== "dashed") return [];
  const all = setting.thresholds?.steps ?? [];
  const falling = all[0]?.color === "red";
  const steps = all.map((step, at) => ({ value: step.value, color: falling ? all[at - 1]?.color : step.color })).filter((step) => step.value !== null);
  return steps.map(({ value, color }) => svg("path", { class: "bound", d: `M0 ${up(value)}H1000`, stroke: named(color) }));
}

function drawLegend(legend, spec, lines, hidden, draw) {
  const calculations = spec.options?.legend?.calcs ?? [];
  const items = lines.map(({ name, values, setting, colour }) => {
    const numbers = calculations.map((calculation) => `${calculation === "lastNotNull" ? "last" : calculation} ${written(reduce(values, calculation), setting) ?? "–"}`);
    const toggle = () => {
      if (!hidden.delete(name)) hidden.add(name);
      draw();
    };
    const swatch = el("span", { class: "swatch", style: { "background-color": colour } });
    return el("li", {}, el("button", { type: "button", "aria-pressed": String(!hidden.has(name)), title: numbers.join(", "), onclick: toggle }, swatch, name, el("span", { class: "calc" }, numbers[0] ?? "")));
  });
  legend.hidden = spec.options?.legend?.showLegend === false;
  clear(legend, ...items);
}
