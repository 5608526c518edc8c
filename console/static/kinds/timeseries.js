// Lines or bars over time, by plotly. Our own legend below, so that it wraps on a phone and shows its numbers.

import { clear, el } from "../dom.js";
import { colourOf, settings, written } from "../fields.js";
import { reduce } from "../frames.js";
import { named } from "../theme.js";
import { wallClock } from "../time.js";
import { axis } from "./axis.js";
import { CONFIG, font, hover, margin, marksOn, timeAxis, zoomable } from "./timeaxis.js";

const MOST_SERIES = 40;

export function timeseries(body, spec) {
  const plot = el("div", { class: "plot" });
  const legend = el("ul", { class: "legend" });
  const hidden = new Set();
  let last = null;
  clear(body, plot, legend);

  const draw = async () => {
    const { series, more, scope, marks } = last;
    const lines = series.map((one, index) => line(spec, one, index)).filter(({ values }) => values.some((value) => value !== null));
    const shown = lines.filter(({ name }) => !hidden.has(name));
    drawLegend(legend, spec, lines, hidden, draw);
    if (more > 0) legend.append(el("li", { class: "calc" }, `and ${more} more, not drawn: pick fewer above`));
    const plotly = await scope.charts;
    await plotly.react(plot, shown.map((one) => trace(one, scope)), layout(spec, shown, scope, marks), CONFIG);
    zoomable(plot, scope);
  };

  return {
    async update({ series }, scope, marks) {
      last = { series: series.slice(0, MOST_SERIES), more: series.length - MOST_SERIES, scope, marks };
      await draw();
      return series.some((one) => one.values.some((value) => value !== null));
    },
  };
}

function line(spec, one, index) {
  const setting = settings(spec, one.name);
  return { ...one, name: setting.displayName ?? one.name, setting, custom: setting.custom ?? {}, colour: colourOf(setting, index) };
}

function trace({ name, times, values, setting, custom, colour }, scope) {
  const kept = bridged(times, values, custom);
  const text = kept.map(([, value]) => written(value, setting) ?? "");
  const common = { name, x: kept.map(([at]) => wallClock(at)), y: kept.map(([, value]) => value), text, hovertemplate: "%{text}", showlegend: false };
  if (custom.drawStyle === "bars") return { ...common, type: "bar", textposition: "none", width: scope.windowMs, marker: { color: colour, opacity: 0.85 } };
  const fill = (custom.fillOpacity ?? 0) / 100;
  const stacked = custom.stacking?.mode === "normal";
  return {
    ...common,
    type: "scatter",
    mode: kept.length < 2 ? "markers" : "lines",
    line: { color: colour, width: stacked ? 1 : 1.6 },
    connectgaps: false,
    ...(stacked ? { stackgroup: "all" } : { fill: fill > 0 ? "tozeroy" : "none" }),
    fillcolor: translucent(colour, fill),
  };
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

function translucent(colour, opacity) {
  return `${colour}${Math.round(opacity * 255).toString(16).padStart(2, "0")}`;
}

function layout(spec, shown, scope, marks) {
  const setting = settings(spec, "");
  const yaxis = axis(ofAxis(setting, shown), shown);
  return {
    autosize: true,
    margin: margin(yaxis.ticktext),
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: font(),
    hovermode: "x unified",
    hoverlabel: hover(),
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    barmode: "stack",
    bargap: 0,
    xaxis: timeAxis(scope),
    yaxis,
    ...marksOn(marks, limits(setting)),
  };
}

// The axis has the unit that all its lines have, or else the panel's.
function ofAxis(setting, shown) {
  const units = new Set(shown.map((one) => one.setting.unit));
  return units.size === 1 ? { ...setting, unit: [...units][0] } : setting;
}

// A line at each limit, in the colour of its worse side: above it, or below where lower is worse.
function limits(setting) {
  if (setting.custom?.thresholdsStyle?.mode !== "dashed") return [];
  const all = setting.thresholds?.steps ?? [];
  const falling = all[0]?.color === "red";
  const steps = all.map((step, at) => ({ value: step.value, color: falling ? all[at - 1]?.color : step.color })).filter((step) => step.value !== null);
  return steps.map((step) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: step.value, y1: step.value, line: { color: named(step.color), width: 1, dash: "dash" }, opacity: 0.7 }));
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
