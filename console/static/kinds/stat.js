// One number (or a few) with a sparkline behind it.

import { clear, el, svg } from "../dom.js";
import { alarm, colourOf, hasLimits, settings, written } from "../fields.js";
import { reduce } from "../frames.js";
import { address } from "../links.js";
import { palette } from "../theme.js";

const MOST_SHOWN = 6;

export function stat(body, spec) {
  const calculation = spec.options?.reduceOptions?.calcs?.[0] ?? "lastNotNull";
  return {
    update({ series, table }, scope) {
      const columns = table.fields.filter((field) => field.name !== "Time" && field.values.some((value) => typeof value === "number"));
      const fields = series.length > 0 ? series : columns;
      const numbers = fields.map((field) => ({ field, value: reduce(field.values, calculation) })).filter(({ value }) => value !== null);
      const more = numbers.length > MOST_SHOWN ? el("span", { class: "muted" }, `+ ${numbers.length - MOST_SHOWN}`) : null;
      const named = spec.options?.textMode === "value_and_name" || numbers.length > 1;
      clear(body, ...numbers.slice(0, MOST_SHOWN).map(({ field, value }) => figure(spec, field, value, named, scope)), more);
      if (spec.options?.graphMode === "area" && numbers.length === 1 && series.length === 1) body.append(sparkline(series[0].values));
      if (numbers.length > 0) return true;
      const instead = settings(spec, "").noValue ?? "";
      if (!/^[-\d.,]+$/.test(instead)) return false;
      body.append(figure(spec, { name: "" }, Number(instead.replaceAll(",", "")), false, scope)); // what never happened is a number too
      return true;
    },
  };
}

function figure(spec, field, value, named, scope) {
  const setting = settings(spec, field.name);
  const colour = hasLimits(setting) ? colourOf(setting, 0, value) : palette().ink;
  const text = written(value, setting);
  const sign = alarm(value, setting);
  const [, before, amount, unit] = /^([€$]\s?)?([-\d.,]+)(.*)$/.exec(text) ?? [null, "", text, ""];
  const number = el("p", { class: "figure", style: { color: colour } }, before ? el("span", { class: "unit" }, before) : null, amount, unit ? el("span", { class: "unit" }, unit) : null, sign ? el("span", { class: "alarm", title: sign.words }, sign.sign) : null);
  const whole = named ? el("div", { class: "several" }, number, el("span", { class: "name" }, setting.displayName ?? field.name)) : number;
  return linked(setting, field.labels, scope, whole);
}

// The panel's own link leads on from its number.
function linked(setting, labels, scope, content) {
  const [link] = setting.links ?? [];
  return link ? el("a", { href: address(link.url, scope, {}, labels), title: link.title }, content) : content;
}

function sparkline(values) {
  const present = values.map((value) => value ?? 0);
  if (present.length < 2) return null;
  const most = Math.max(...present);
  const least = Math.min(0, ...present);
  const span = most - least || 1;
  const points = present.map((value, at) => `${((at / (present.length - 1)) * 100).toFixed(2)},${(30 - ((value - least) / span) * 28).toFixed(2)}`);
  return svg(
    "svg",
    { class: "sparkline", viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("polygon", { points: `0,30 ${points.join(" ")} 100,30` }),
    svg("polyline", { points: points.join(" "), "vector-effect": "non-scaling-stroke" }),
  );
}
