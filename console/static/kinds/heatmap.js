// How values are spread over time: a column a window, a row a range of values, the farther from the page's ground the
// more. By plotly.
//
// Each series is one row, named by the upper end of its range, in rising order; the last may be "+Inf".

import { clear, el } from "../dom.js";
import { format } from "../units.js";
import { isDark, palette } from "../theme.js";
import { wallClock } from "../time.js";
import { CONFIG, font, hover, marksOn, timeAxis, zoomable } from "./timeaxis.js";

const SCHEME = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"];
/* cividis, made for eyes that see two colours as well as for those that see three */

export function heatmap(body, spec) {
  const plot = el("div", { class: "plot" });
  clear(body, plot);
  return {
    async update({ series }, scope, marks) {
      const rows = [...series].sort((a, b) => upper(a) - upper(b));
      const most = Math.max(0, ...rows.flatMap((row) => row.values).filter((value) => value !== null));
      const plotly = await scope.charts;
      await plotly.react(plot, [cells(rows, most, scope, spec)], layout(rows, spec, scope, marks), CONFIG);
      zoomable(plot, scope);
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

// The colour goes by the root of the number, so that a few slow requests are seen beside many fast ones.
function cells(rows, most, scope, spec) {
  const times = rows[0]?.times ?? [];
  const names = words(rows, spec);
  const steps = SCHEME.length - 1;
  const ticks = [0.1, 0.4, 1].map((part) => Number((most * part).toPrecision(1)));
  const scale = (isDark() ? SCHEME : SCHEME.toReversed()).map((colour, at) => [at / steps, colour]);
  return {
    type: "heatmap",
    x: times.map((at) => wallClock(at + scope.windowMs / 2)),
    y: names,
    z: rows.map((row) => row.values.map((value) => (value ? Math.sqrt(value) : null))),
    zmin: 0,
    zmax: Math.sqrt(most),
    text: rows.map((row, at) => row.values.map((value) => `${names[at]}: ${value ?? 0}`)),
    hovertemplate: "%{text}<extra></extra>",
    colorscale: scale,
    ygap: 1,
    colorbar: { thickness: 8, len: 0.9, outlinewidth: 0, tickfont: font(), tickvals: ticks.map(Math.sqrt), ticktext: ticks.map((value) => format(value, "short", null)) },
  };
}

function layout(rows, spec, scope, marks) {
  return {
    autosize: true,
    margin: { l: 4, r: 6, t: 10, b: 22 },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: font(),
    hovermode: "closest",
    hoverlabel: hover(),
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    xaxis: timeAxis(scope),
    yaxis: { type: "category", fixedrange: true, automargin: true, gridcolor: palette().grid, categoryorder: "array", categoryarray: words(rows, spec), ticklabelstandoff: 5 },
    ...marksOn(marks),
  };
}
