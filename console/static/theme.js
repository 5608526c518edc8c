// Colours of the page for what is drawn by script. The names are Grafana's; the values follow dark and light, and are told
// apart by eyes that lack one kind of cone too: tests/grafana/test_limits.py computes it.

const DARK = { green: "#4fb477", orange: "#f0b429", yellow: "#d9c441", red: "#e85560", blue: "#5b9bf0", purple: "#b48be8", text: "#9aa4b2", ink: "#e3e8ee" };
const LIGHT = { green: "#23834a", orange: "#a06a00", yellow: "#8f7a00", red: "#8f0f25", blue: "#2166c4", purple: "#7d48c7", text: "#5d6875", ink: "#1c232b" };
const SERIES_DARK = ["#56b4e9", "#e69f00", "#1fae86", "#e08fc0", "#f0e442", "#ef7230", "#8fa2ff", "#c9c9c9"];
const SERIES_LIGHT = ["#2166c4", "#c77700", "#17a16a", "#c41c81", "#9806f9", "#6f4f20", "#1c232b", "#3217a1"];

const dark = matchMedia("(prefers-color-scheme: dark)");

export function isDark() {
  return dark.matches;
}

export function palette() {
  return dark.matches ? DARK : LIGHT;
}

export function named(name) {
  const plain = String(name ?? "").replace(/^(super-light|light|semi-dark|dark)-/, "");
  return palette()[plain] ?? name;
}

export function seriesColour(index) {
  const colours = dark.matches ? SERIES_DARK : SERIES_LIGHT;
  return colours[index % colours.length];
}

export function onThemeChange(action) {
  dark.addEventListener("change", action);
}
