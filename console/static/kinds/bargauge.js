// A horizontal bar for each row of a table, or for each series.

import { clear, el } from "../dom.js";
import { colourOf, settings, written } from "../fields.js";
import { reduce, rowCount } from "../frames.js";

export function bargauge(body, spec) {
  return {
    update(data) {
      const bars = spec.options?.reduceOptions?.values ? fromRows(data.table) : fromSeries(data.series, spec);
      const present = bars.filter(({ value }) => value !== null);
      const most = Math.max(...present.map(({ value }) => value), 0);
      clear(body, el("ul", { class: "bars", style: { "--rows": present.length } }, ...present.map((bar, at) => draw(spec, bar, at, most))));
      return present.length > 0;
    },
  };
}

function fromRows(table) {
  const number = table.fields.find((field) => field.name !== "Time" && field.values.some((value) => typeof value === "number"));
  if (!number) return [];
  const words = table.fields.filter((field) => field !== number && field.name !== "Time");
  return Array.from({ length: rowCount(table) }, (_, row) => ({
    field: number.name,
    label: words.map((field) => field.values[row]).join(" · "),
    value: number.values[row],
  }));
}

function fromSeries(series, spec) {
  const calculation = spec.options?.reduceOptions?.calcs?.[0] ?? "lastNotNull";
  return series.map((one) => ({ field: one.name, label: one.name, value: reduce(one.values, calculation) }));
}

function draw(spec, { field, label, value }, index, most) {
  const setting = settings(spec, field);
  const whole = setting.max ?? (most || 1);
  const share = Math.min(Math.max(((value - (setting.min ?? 0)) / (whole - (setting.min ?? 0))) * 100, 0), 100);
  return el(
    "li",
    {},
    el("span", { class: "name", title: label }, label),
    el("span", { class: "track" }, el("span", { class: "bar", style: { width: `${share}%`, "background-color": colourOf(setting, index, value) } })),
    el("span", { class: "value" }, written(value, setting)),
  );
}
