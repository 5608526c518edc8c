// What every chart over time by plotly shares: its axis, its marks, its words on hover, and zooming.

import { palette } from "../theme.js";
import { fromWallClock, wallClock } from "../time.js";

const DAY_MS = 86400000;
const FONT_SIZE = 11;

export const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false };

export const STANDOFF = 5;

let pen = null;

// The space around a chart whose value axis says `texts`. Plotly would find it by drawing everything twice.
export function margin(texts) {
  pen ??= ruler();
  const widest = Math.max(0, ...texts.map((text) => pen.measureText(text).width));
  return { l: Math.ceil(widest) + STANDOFF + 6, r: 10, t: 10, b: 22 };
}

function ruler() {
  const context = document.createElement("canvas").getContext("2d");
  context.font = `${FONT_SIZE}px ${getComputedStyle(document.body).fontFamily}`;
  return context;
}

export function font() {
  return { family: "inherit", size: FONT_SIZE, color: palette().text };
}

export function hover() {
  const colours = palette();
  return { bgcolor: colours.surface, bordercolor: colours.line, font: { ...font(), color: colours.ink } };
}

export function timeAxis({ from, to }) {
  const colours = palette();
  const days = to - from > DAY_MS;
  return { type: "date", range: [wallClock(from), wallClock(to)], gridcolor: colours.grid, linecolor: colours.line, zeroline: false, nticks: 7, tickformat: days ? "%d %b %H:%M" : "%H:%M", hoverformat: "%d %b %H:%M:%S" };
}

// Alerts and deploys: a line each, and a flag that says what it was.
export function marksOn(marks, shapes = []) {
  return { shapes: [...shapes, ...marks.map(rule)], annotations: marks.map(flag) };
}

function rule({ at, colour }) {
  return { type: "line", yref: "y domain", x0: wallClock(at), x1: wallClock(at), y0: 0, y1: 1, line: { color: colour, width: 1, dash: "dot" } };
}

function flag({ at, colour, title, text }) {
  const plain = `${title}\n${text}`.replace(/[<>&]/g, (sign) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[sign]);
  return { x: wallClock(at), y: 0, yref: "y domain", yanchor: "bottom", text: "▲", showarrow: false, font: { color: colour, size: 9 }, hovertext: plain.replace("\n", "<br>"), captureevents: true };
}

// What is marked by dragging becomes the board's range; `scope` is the one of the newest drawing.
export function zoomable(plot, scope) {
  plot.scope = scope;
  if (plot.dataset.listening) return;
  plot.dataset.listening = "yes";
  plot.on("plotly_relayout", (event) => {
    const [from, to] = [event["xaxis.range[0]"], event["xaxis.range[1]"]];
    if (from && to) plot.scope.board.setRange(String(fromWallClock(from)), String(fromWallClock(to)));
  });
}
