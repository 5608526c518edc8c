// What a board's query means right now: time range, window, variables.

import { durationMs, durationText } from "./time.js";

const ALIGNED_UP_TO_MS = 60000;

// `scope`: {from, to (ms), live, windowMs, variables: Variables}
export function expand(text, scope) {
  const { from, to } = wholeWindows(text, scope);
  return scope.variables.expand(
    text
      .replaceAll("$timeFilter", `time >= ${from}ms and time <= ${to}ms`)
      .replaceAll("${__interval_ms}", String(scope.windowMs))
      .replaceAll("${__interval}", durationText(scope.windowMs)),
  );
}

// A window that is not over yet would look like a sudden fall at the right edge of every chart, so a live range ends
// with the last whole window. Long windows are shown as they grow: waiting for them would hide too much.
function wholeWindows(text, { from, to, live, windowMs }) {
  const length = /GROUP BY time\(\$\{__interval\}\)/.test(text)
    ? windowMs
    : durationMs(/GROUP BY time\((\w+)\)/.exec(text)?.[1]);
  const first = length ? Math.floor(from / length) * length : from;
  if (!length || !live || length > ALIGNED_UP_TO_MS) return { from: first, to };
  return { from: first, to: Math.max(Math.floor(to / length) * length - 1, first) };
}
