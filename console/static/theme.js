// Colours of the page for what is drawn by script. The names are Grafana's; the values follow dark and light.

const DARK = { green: "#4fb477", orange: "#e0a83c", yellow: "#d9c441", red: "#e5606b", blue: "#5b9bf0", purple: "#b48be8", text: "#9aa4b2", grid: "#262d37", line: "#39424f", surface: "#171b21", ink: "#e3e8ee" };
const LIGHT = { green: "#23834a", orange: "#b36b00", yellow: "#8f7a00", red: "#c8323f", blue: "#2166c4", purple: "#7d48c7", text: "#5d6875", grid: "#e6e9ed", line: "#c3cad2", surface: "#ffffff", ink: "#1c232b" };
const SERIES_DARK = ["#5b9bf0", "#e0a83c", "#45b8a5", "#d6739c", "#a5c05b", "#b48be8", "#e07f52", "#7fc4e8", "#c9b458", "#8f9bb3"];
const SERIES_LIGHT = ["#2166c4", "#b36b00", "#0b8371", "#b23a72", "#5f7d12", "#7d48c7", "#bb4f1e", "#2182ab", "#85700c", "#566179"];

const dark = matchMedia("(prefers-color-scheme: dark)");

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
