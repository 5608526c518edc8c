// Time ranges ("now-1h" to "now"), windows of queries, and times as people read them.

const UNIT_MS = { ms: 1, s: 1000, m: 60000, h: 3600000, d: 86400000, w: 604800000 };
const WINDOWS_MS = ["1s", "2s", "5s", "10s", "15s", "30s", "1m", "2m", "5m", "10m", "15m", "30m", "1h", "2h", "3h", "6h", "12h", "1d"].map(durationMs);

export const RANGES = [
  ["now-5m", "Last 5 minutes"],
  ["now-15m", "Last 15 minutes"],
  ["now-30m", "Last 30 minutes"],
  ["now-1h", "Last hour"],
  ["now-3h", "Last 3 hours"],
  ["now-6h", "Last 6 hours"],
  ["now-12h", "Last 12 hours"],
  ["now-24h", "Last 24 hours"],
  ["now-2d", "Last 2 days"],
  ["now-7d", "Last 7 days"],
];

export function durationMs(text) {
  const parts = /^(\d+)(ms|s|m|h|d|w)$/.exec(text ?? "");
  return parts ? Number(parts[1]) * UNIT_MS[parts[2]] : null;
}

export function durationText(ms) {
  for (const unit of ["d", "h", "m", "s"]) if (ms % UNIT_MS[unit] === 0) return `${ms / UNIT_MS[unit]}${unit}`;
  return `${ms}ms`;
}

// Milliseconds of "now", "now-6h" or an absolute number of milliseconds.
export function moment(text, now) {
  if (text === "now") return now;
  const back = durationMs(/^now-(\w+)$/.exec(text)?.[1]);
  if (back !== null) return now - back;
  const absolute = Number(text);
  return Number.isFinite(absolute) ? absolute : now - UNIT_MS.h;
}

// The window that gives about `points` points: a round length, no shorter than `least`.
export function windowMs(spanMs, points, least) {
  const wish = Math.max(spanMs / Math.max(points, 1), durationMs(least) ?? 1000);
  return WINDOWS_MS.find((length) => length >= wish) ?? WINDOWS_MS.at(-1);
}

// The local wall clock, as a field of a form takes it.
export function wallClock(ms) {
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60000).toISOString().slice(0, -1);
}

export function fromWallClock(text) {
  return new Date(text.replace(" ", "T")).getTime();
}

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const CLOCK_ONLY = new Intl.DateTimeFormat("en-GB", CLOCK);
const THIS_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", ...CLOCK });
const ANY_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", ...CLOCK });

// As the charts' axes write it: the local clock with 24 hours; the year where it is another.
export function momentText(ms, now = Date.now()) {
  const at = new Date(ms);
  return (at.getFullYear() === new Date(now).getFullYear() ? THIS_YEAR : ANY_YEAR).format(at);
}

export function clockText(ms) {
  return CLOCK_ONLY.format(new Date(ms));
}

export function agoText(ms, now = Date.now()) {
  const seconds = Math.round((now - ms) / 1000);
  if (seconds < 0) return "just now";
  return `${spanText(seconds)} ago`;
}

// A length of time in its two largest units.
export function spanText(seconds) {
  const parts = [];
  let rest = Math.round(seconds);
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.slice(0, 2).join(" ") || "0 s";
}
