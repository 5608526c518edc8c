// The clock below a chart: round moments of the local day, and how they are written.

import { durationMs } from "../time.js";

const TICKS = 7;
const DAY_MS = 86400000;
const MINUTE_MS = 60000;
const STEPS_MS = ["1s", "2s", "5s", "10s", "15s", "30s", "1m", "2m", "5m", "10m", "15m", "30m", "1h", "2h", "3h", "6h", "12h", "1d", "2d", "7d", "14d", "28d"].map(durationMs);
const DAY = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short" });

// Milliseconds, at most TICKS of them.
export function timeTicks(from, to) {
  const step = STEPS_MS.find((length) => (to - from) / length <= TICKS) ?? Math.ceil((to - from) / TICKS / DAY_MS) * DAY_MS;
  const zone = new Date(from).getTimezoneOffset() * MINUTE_MS;
  const found = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) found.push(at);
  return found;
}

// The day beside the time where a range is longer than a day; seconds where the moments are not whole minutes.
export function labels(ticks, span) {
  const short = ticks.some((at) => at % MINUTE_MS !== 0);
  return ticks.map((at) => ({ at, text: `${span > DAY_MS ? `${DAY.format(at)} ` : ""}${clock(new Date(at), short)}` }));
}

function clock(moment, withSeconds) {
  const parts = [moment.getHours(), moment.getMinutes(), ...(withSeconds ? [moment.getSeconds()] : [])];
  return parts.map((one) => String(one).padStart(2, "0")).join(":");
}
