// What a panel says about a field: unit, decimals, limits, colours, words for values; defaults first, then its overrides.

import { named, palette, seriesColour } from "./theme.js";
import { format } from "./units.js";

const ALARMS = { orange: { sign: "!", words: "past its first limit" }, red: { sign: "!!", words: "past its second limit" } };

export function settings(panel, name) {
  const config = panel.fieldConfig ?? {};
  const result = structuredClone(config.defaults ?? {});
  for (const { matcher, properties } of config.overrides ?? []) {
    if (!applies(matcher, name)) continue;
    for (const { id, value } of properties) place(result, id.split("."), value);
  }
  return result;
}

function applies(matcher, name) {
  if (matcher.id === "byName") return matcher.options === name;
  if (matcher.id === "byRegexp") return new RegExp(matcher.options.replace(/^\/|\/$/g, "")).test(name);
  return false;
}

function place(target, [key, ...rest], value) {
  if (rest.length === 0) target[key] = value;
  else place((target[key] ??= {}), rest, value);
}

// The value as text; a mapping's words win over the number.
export function written(value, field) {
  return mapped(value, field)?.text ?? format(value, field.unit, field.decimals ?? null);
}

// What the field's mappings say about a value: {text, color}, or null.
function mapped(value, field) {
  for (const { type, options } of field.mappings ?? []) {
    if (type === "value" && options[String(value)]) return options[String(value)];
    if (type === "range" && typeof value === "number" && value >= (options.from ?? -Infinity) && value <= (options.to ?? Infinity)) return options.result;
    if (type === "special" && options.match === "null" && (value === null || value === undefined)) return options.result;
  }
  return null;
}

export function thresholdColour(value, field) {
  const colour = mapped(value, field)?.color;
  if (colour) return named(colour);
  const reached = (field.thresholds?.steps ?? []).filter((step) => step.value === null || value >= step.value);
  return reached.length > 0 ? named(reached.at(-1).color) : palette().ink;
}

// The sign of a number past a limit, so that not only its colour says so: {sign, words}, or null.
export function alarm(value, field) {
  if (typeof value !== "number" || mapped(value, field) || !hasLimits(field)) return null;
  const reached = (field.thresholds?.steps ?? []).filter((step) => step.value === null || value >= step.value);
  return ALARMS[reached.at(-1)?.color] ?? null;
}

// The colour of a table's cell; words have one only where a mapping gives it.
export function cellColour(value, field) {
  return typeof value === "number" || mapped(value, field)?.color ? colourOf(field, 0, value) : null;
}

// The colour of one series, or of one value where the field is coloured by its limits.
export function colourOf(field, index, value = null) {
  const mode = field.color?.mode ?? "palette-classic";
  if (mode === "fixed") return named(field.color.fixedColor);
  if (mode === "thresholds") return value === null ? palette().ink : thresholdColour(value, field);
  return seriesColour(index);
}

// A field of limits that only says "fine" carries no information: its value is written in plain ink.
export function hasLimits(field) {
  return (field.thresholds?.steps ?? []).length > 1 || (field.mappings ?? []).length > 0;
}
