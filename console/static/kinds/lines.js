// Lines, areas and bars of a chart as SVG. `shown`: [{points: [[at, value or null]], custom, colour}], in their order.

import { svg } from "../dom.js";

const SIDE = 1000;

// `across` and `up` give places of moments and of values; bars are one window wide.
export function strokes(shown, { across, up, windowMs }) {
  const isBar = ({ custom }) => custom.drawStyle === "bars";
  const isStacked = (one) => !isBar(one) && one.custom.stacking?.mode === "normal";
  return [
    ...bars(shown.filter(isBar), { across, up, windowMs }),
    ...stack(shown.filter(isStacked), { across, up }),
    ...shown.filter((one) => !isBar(one) && !isStacked(one)).flatMap((one) => line(one, { across, up })),
  ];
}

function line({ points, custom, colour }, { across, up }) {
  const runs = split(points).map((run) => run.map(([at, value]) => [across(at), up(value)]));
  const opacity = (custom.fillOpacity ?? 0) / 100;
  const ground = Math.min(Math.max(up(0), 0), SIDE);
  const long = runs.filter((run) => run.length > 1);
  const area = opacity > 0 ? long.map((run) => `${path(run)}L${run.at(-1)[0]} ${ground}L${run[0][0]} ${ground}Z`).join("") : "";
  const lone = runs.filter((run) => run.length === 1).map(([[x, y]]) => `M${x} ${y}h0`).join("");
  return [
    area ? svg("path", { d: area, fill: colour, "fill-opacity": opacity }) : null,
    long.length > 0 ? svg("path", { class: "stroke", d: long.map(path).join(""), stroke: colour }) : null,
    lone ? svg("path", { class: "stroke lone", d: lone, stroke: colour }) : null,
  ].filter(Boolean);
}

// Each on the sum of those before it; what has no value at a moment that another has adds nothing there.
function stack(shown, { across, up }) {
  const times = [...new Set(shown.flatMap(({ points }) => points.filter(([, value]) => value !== null).map(([at]) => at)))].sort((a, b) => a - b);
  let below = times.map(() => 0);
  return shown.flatMap(({ points, custom, colour }) => {
    const known = new Map(points);
    const above = times.map((at, index) => below[index] + (known.get(at) ?? 0));
    const place = (values) => values.map((value, index) => [across(times[index]), up(value)]);
    const [roof, floor] = [place(above), place(below)];
    below = above;
    const area = `${path(roof)}L${floor.toReversed().map((one) => one.join(" ")).join("L")}Z`;
    const edge = roof.length > 1 ? path(roof) : roof.map(([x, y]) => `M${x} ${y}h0`).join("");
    if (!edge) return [];
    const stroke = svg("path", { class: `stroke thin${roof.length > 1 ? "" : " lone"}`, d: edge, stroke: colour });
    return [svg("path", { d: area, fill: colour, "fill-opacity": (custom.fillOpacity ?? 0) / 100 }), stroke];
  });
}

// Bars of one window stand on each other, those below zero under each other. The window begins at its moment.
function bars(shown, { across, up, windowMs }) {
  const [over, under] = [new Map(), new Map()];
  return shown.map(({ points, colour }) => {
    const drawn = points.filter(([, value]) => value !== null).map(([at, value]) => {
      const sums = value < 0 ? under : over;
      const foot = sums.get(at) ?? 0;
      sums.set(at, foot + value);
      return `M${across(at)} ${up(foot)}V${up(foot + value)}H${across(at + windowMs)}V${up(foot)}Z`;
    });
    return svg("path", { class: "bars-of", d: drawn.join(""), fill: colour });
  });
}

function split(points) {
  const runs = [[]];
  for (const point of points) {
    if (point[1] === null) runs.push([]);
    else runs.at(-1).push(point);
  }
  return runs.filter((run) => run.length > 0);
}

function path(places) {
  return places.length > 0 ? `M${places.map((one) => one.join(" ")).join("L")}` : "";
}
