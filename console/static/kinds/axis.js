// The value axis of a chart: few round steps, written with the field's own unit.

import { written } from "../fields.js";

const STEPS = 4;
const HEADROOM = 0.06;
const SECONDS = { s: 1, dtdurations: 1, dtdhms: 1, ms: 0.001 };
const CLOCK_STEPS_S = [60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
const COUNTED = new Set(["locale", "short", "none"]);

// {range: [lowest, highest], ticks: [{value, text}]}
export function axis(setting, shown) {
  const [least, reached] = extent(setting, shown);
  const most = setting.max ?? reached;
  const step = stepOf((most - least) / STEPS, setting);
  const bottom = Math.floor(least / step) * step;
  const top = Math.max(setting.max ?? most + (most - bottom) * HEADROOM, bottom + step);
  const ticks = [];
  for (let value = bottom; value <= top + step / 100; value += step) ticks.push(Number(value.toPrecision(12)));
  const plain = { ...setting, decimals: undefined };
  return { range: [bottom, top], ticks: ticks.map((value) => ({ value, text: written(value, plain) })) };
}

function extent(setting, shown) {
  const stacked = shown.some(({ custom }) => custom.stacking?.mode === "normal" || custom.drawStyle === "bars");
  const values = stacked ? totals(shown) : shown.flatMap((one) => one.values).filter((value) => value !== null);
  const least = values.reduce((low, value) => Math.min(low, value), setting.min ?? Infinity);
  const most = values.reduce((high, value) => Math.max(high, value), -Infinity);
  if (!Number.isFinite(most)) return [setting.min ?? 0, setting.max ?? 1];
  return [Number.isFinite(least) ? least : 0, most > least ? most : least + 1];
}

function totals(shown) {
  const sums = new Map();
  for (const { times, values } of shown) times.forEach((at, index) => sums.set(at, (sums.get(at) ?? 0) + (values[index] ?? 0)));
  return [...sums.values()];
}

// Long times are cut as a clock cuts them, and what is counted has no half.
function stepOf(wish, { unit, decimals }) {
  const seconds = SECONDS[unit] ?? 0;
  const clock = CLOCK_STEPS_S.find((step) => step >= wish * seconds);
  if (wish * seconds > CLOCK_STEPS_S[0] / 2 && clock) return clock / seconds;
  const step = roundStep(wish);
  return decimals === 0 && COUNTED.has(unit) ? Math.max(step, 1) : step;
}

function roundStep(wish) {
  const power = 10 ** Math.floor(Math.log10(wish));
  return [1, 2, 2.5, 5, 10].map((part) => part * power).find((step) => step >= wish * 0.999);
}
