// A live panel asks for its last windows only, and puts them behind those that it has.
//
// Whole windows of a plain aggregate do not change any more, but for readings that come late: so everything is asked
// again once in a while, and whenever something else than time has changed. A query whose values hang on their
// neighbours (a derivative, a running sum, a limit) or on another query's rows is always asked whole, and so is one that
// was answered with nothing: what comes first may come late.

import { query } from "./api.js";
import { expand } from "./macros.js";
import { durationMs } from "./time.js";

const ANEW_MS = 300000;
const ASKED_AGAIN = 2;
const NEIGHBOURLY = /\b(derivative|non_negative_derivative|difference|non_negative_difference|cumulative_sum|moving_average|elapsed|integral|holt_winters\w*|top|bottom|sample|limit|offset|slimit|soffset|order\s+by|tz)\b|\bfrom\s*\(|\bfill\(\s*(previous|linear)/i;
const WINDOW = /GROUP BY time\((\$\{__interval\}|\w+)\)/i;

export class Follower {
  // `ask`: (statement, signal) -> series; `clock`: () -> ms
  constructor(text, ask = query, clock = Date.now) {
    this.text = text;
    this.ask = ask;
    this.clock = clock;
    this.window = NEIGHBOURLY.test(text) || !text.includes("$timeFilter") ? null : WINDOW.exec(text)?.[1] ?? null;
    this.last = null;
  }

  async answer(scope, signal) {
    const length = this.window === "${__interval}" ? scope.windowMs : durationMs(this.window);
    if (!length || !scope.live) return this.ask(expand(this.text, scope), signal);
    const key = `${length} ${scope.to - scope.from} ${expand(this.text, { ...scope, from: 0, to: 0, live: false })}`;
    const since = this.last && Math.floor(this.last.to / length) * length - ASKED_AGAIN * length;
    const known = this.last?.key === key && this.last.series.length > 0 && this.clock() - this.last.whole < ANEW_MS && since > scope.from;
    const fresh = await this.ask(expand(this.text, known ? { ...scope, from: since } : scope), signal);
    const first = Math.floor(scope.from / length) * length;
    const series = known ? merge(this.last.series, fresh, { first, since, until: scope.to, fill: fillOf(this.text) }) : fresh;
    this.last = { key, series, to: scope.to, whole: known ? this.last.whole : this.clock() };
    return series;
  }
}

// Windows of `old` from `first` up to `since`, then those of `fresh`. A series that is in one of both only has `fill` in
// the windows of the other, as a whole answer would: null, a number, or undefined for no row at all.
export function merge(old, fresh, { first, since, until, fill }) {
  const before = new Map(old.map((one) => [identity(one), one]));
  const after = new Map(fresh.map((one) => [identity(one), one]));
  const [oldTimes, newTimes] = [timesOf(old, first, since - 1), timesOf(fresh, since, until)];
  return [...new Set([...before.keys(), ...after.keys()])].sort().map((key) => {
    const [was, is] = [before.get(key), after.get(key)];
    const { columns } = was ?? is;
    const kept = was ? was.values.filter(([at]) => at >= first && at < since) : filled(oldTimes, columns, fill);
    return { ...(was ?? is), values: [...kept, ...(is ? is.values : filled(newTimes, columns, fill))] };
  }).filter(({ values }) => values.some((row) => row.slice(1).some((value) => value !== null)));
}

function fillOf(text) {
  const wish = /fill\(\s*(none|null|-?[\d.]+)\s*\)/i.exec(text)?.[1].toLowerCase() ?? "null";
  if (wish === "none") return undefined;
  return wish === "null" ? null : Number(wish);
}

function identity({ name, tags }) {
  return JSON.stringify([name, Object.entries(tags ?? {}).sort()]);
}

// The windows that the other series have; without one there are none to fill.
function timesOf(series, from, to) {
  return [...new Set(series.flatMap(({ values }) => values.map(([at]) => at)))].filter((at) => at >= from && at <= to).sort((a, b) => a - b);
}

function filled(times, columns, fill) {
  return fill === undefined ? [] : times.map((at) => [at, ...columns.slice(1).map(() => fill)]);
}
