// How values are spread over time: a column a window, a row a range of values, the farther from the page's ground the
// more.
//
// Each series is one row, named by the upper end of its range, in rising order; the last may be "+Inf".

import { clear, el, svg } from "../dom.js";
import { format } from "../units.js";
import { isDark } from "../theme.js";
import { Chart, heights, moments } from "./chart.js";

const SCHEME = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"];
/* cividis, made for eyes that see two colours as well as for those that see three */
const LEVELS = 24;
const MOST_NAMED = 10;

export function heatmap(body, spec) {
  const chart = new Chart();
  const scale = el("div", { class: "scale", "aria-hidden": "true" });
  chart.root.append(scale);
  clear(body, chart.root);
  return {
    update({ series }, scope, marks) {
      const rows = [...series].sort((a, b) => upper(a) - upper(b));
      const most = Math.max(0, ...rows.flatMap((row) => row.values).filter((value) => value !== null));
      chart.draw(scope, picture(rows, most, scope, { spec, marks }));
      drawScale(scale, most);
      return most > 0;
    },
  };
}

function upper({ name }) {
  return name === "+Inf" ? Infinity : Number(name);
}

function words(rows, spec) {
  const unit = spec.options?.yAxis?.unit;
  return rows.map((row, at) => (Number.isFinite(upper(row)) ? `≤ ${format(upper(row), unit, null)}` : `> ${format(upper(rows[at - 1] ?? { name: "0" }), unit, null)}`));
}

function picture(rows, most, scope, { spec, marks }) {
  const names = words(rows, spec);
  const [across, up] = [moments(scope), heights([0, Math.max(rows.length, 1)])];
  const every = Math.ceil(names.length / MOST_NAMED);
  const named = names.map((text, at) => ({ y: up(at + 0.5), text })).filter((_, at) => at % every === 0);
  const borders = svg("path", { class: "borders", d: rows.map((_, at) => `M0 ${up(at)}H1000`).join("") });
  return { rows: named, content: [...cells(rows, most, { across, up, windowMs: scope.windowMs }), borders], marks, told: (at, part) => told(rows, names, scope, { at, part }) };
}

// The colour goes by the root of the number, so that a few slow requests are seen beside many fast ones; 0 is left blank.
function cells(rows, most, { across, up, windowMs }) {
  const drawn = Array.from({ length: LEVELS + 1 }, () => []);
  rows.forEach(({ times, values }, row) => {
    times.forEach((at, index) => {
      if (!values[index]) return;
      const level = Math.round(Math.sqrt(values[index] / most) * LEVELS);
      drawn[level].push(`M${across(at)} ${up(row)}V${up(row + 1)}H${across(at + windowMs)}V${up(row)}Z`);
    });
  });
  return drawn.flatMap((boxes, level) => (boxes.length > 0 ? [svg("path", { class: "cells", d: boxes.join(""), fill: shade(level / LEVELS) })] : []));
}

function scheme() {
  return isDark() ? SCHEME : SCHEME.toReversed();
}

// Of a part from 0 to 1: between two colours of the scheme as far as it is from each.
function shade(part) {
  const place = part * (SCHEME.length - 1);
  const first = Math.min(Math.floor(place), SCHEME.length - 2);
  const [a, b] = [scheme()[first], scheme()[first + 1]].map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  return `rgb(${a.map((one, at) => Math.round(one + (b[at] - one) * (place - first))).join(" ")})`;
}

function told(rows, names, { windowMs }, { at, part }) {
  const row = Math.min(Math.floor((1 - part) * rows.length), rows.length - 1);
  const index = rows[row]?.times.findIndex((when) => when <= at && at < when + windowMs) ?? -1;
  return index < 0 ? null : { at: rows[row].times[index], rows: [{ name: names[row], text: String(rows[row].values[index] ?? 0) }] };
}

function drawScale(scale, most) {
  const ticks = [...new Set([0.1, 0.4, 1].map((part) => Number((most * part).toPrecision(1))))];
  const marks = ticks.map((value) => el("span", { style: { bottom: `${Math.min(Math.sqrt(value / (most || 1)), 1) * 100}%` } }, format(value, "short", null)));
  clear(scale, el("div", { style: { background: `linear-gradient(to top, ${scheme().join(", ")})` } }), ...marks);
}
