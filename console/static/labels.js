// How a state and labels look wherever they stand.

import { el } from "./dom.js";

const QUIET = new Set(["alertname"]);

export function pill(state, severity) {
  const level = state === "firing" ? severity : state;
  return el("span", { class: `pill ${/^[\w-]+$/.test(level) ? level : ""}` }, level);
}

export function tags(texts) {
  return el("p", { class: "labels" }, ...texts.map((text) => el("span", { class: "tag" }, text)));
}

export function labelTags(pairs) {
  const shown = Object.entries(pairs ?? {}).filter(([name]) => !QUIET.has(name));
  return tags(shown.map(([name, value]) => `${name}=${value}`));
}
