// How a state and labels look wherever they stand.

import { el } from "./dom.js";

const QUIET = new Set(["alertname"]);
const DEEDS = new Set(["acknowledged", "released"]);

export function pill(state, severity) {
  const level = state === "firing" ? severity : state;
  return el("span", { class: `pill ${/^[\w-]+$/.test(level) ? level : ""}` }, level);
}

// A transition: the state that it led to, or what somebody did.
export function changePill({ state, change, severity }) {
  return pill(state === "inactive" || DEEDS.has(change) ? change : state, DEEDS.has(change) ? undefined : severity);
}

export function tags(texts) {
  return el("p", { class: "labels" }, ...texts.map((text) => el("span", { class: "tag" }, text)));
}

export function labelTags(pairs) {
  const shown = Object.entries(pairs ?? {}).filter(([name]) => !QUIET.has(name));
  return tags(shown.map(([name, value]) => `${name}=${value}`));
}
