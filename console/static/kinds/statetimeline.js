// States over time: a row a series, a stretch as long as its state lasts, in the state's colour and words.

import { clear, el } from "../dom.js";
import { settings, thresholdColour, written } from "../fields.js";
import { spanText } from "../time.js";

const TICKS = 5;
const PIXELS_A_LETTER = 7;
const PART_OF_STATES = 0.72;
/* how much of the panel the states have beside their names, at least */
const DAY_MS = 86400000;

export function statetimeline(body, spec) {
  return {
    update({ series }, scope) {
      const rows = series.filter((one) => one.values.some((value) => value !== null));
      const room = body.clientWidth * PART_OF_STATES;
      clear(body, el("ul", { class: "timeline", style: { "--rows": rows.length } }, ...rows.map((row) => line(spec, row, scope, room))), axis(scope));
      return rows.length > 0;
    },
  };
}

// `room`: pixels for all of its states.
function line(spec, { name, times, values }, scope, room) {
  const setting = settings(spec, name);
  const parts = stretches(times, values, setting, scope).map((one) => stretch(one, scope, room));
  return el("li", {}, el("span", { class: "name", title: name }, setting.displayName ?? name), el("span", { class: "states" }, ...parts));
}

// Neighbours of the same words are one stretch; a null is a hole. A state lasts until the next point, or one window.
function stretches(times, values, setting, { from, to, windowMs }) {
  const found = [];
  times.forEach((at, index) => {
    if (values[index] === null) return;
    const end = Math.min(times[index + 1] ?? at + windowMs, to);
    const [begin, words] = [Math.max(at, from), written(values[index], setting)];
    if (end <= begin) return;
    const last = found.at(-1);
    if (last?.words === words && last.end === begin) last.end = end;
    else found.push({ begin, end, words, colour: thresholdColour(values[index], setting) });
  });
  return found;
}

function stretch({ begin, end, words, colour }, { from, to }, room) {
  const [left, width] = [(begin - from) / (to - from), (end - begin) / (to - from)];
  const told = `${words}: ${clock(begin, from, to)} to ${clock(end, from, to)}, ${spanText((end - begin) / 1000)}`;
  const style = { left: `${left * 100}%`, width: `${width * 100}%`, "background-color": colour };
  return el("span", { class: "state", title: told, style }, el("span", { class: width * room < (words.length + 1) * PIXELS_A_LETTER ? "unseen" : "" }, words));
}

function axis({ from, to }) {
  const ticks = Array.from({ length: TICKS }, (_, at) => from + ((to - from) * at) / (TICKS - 1));
  return el("p", { class: "timeline-axis", "aria-hidden": "true" }, ...ticks.map((at) => el("span", {}, clock(at, from, to))));
}

function clock(at, from, to) {
  const day = to - from > DAY_MS ? { day: "numeric", month: "short" } : {};
  return new Date(at).toLocaleString("en-GB", { ...day, hour: "2-digit", minute: "2-digit" });
}
