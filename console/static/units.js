// Numbers with units, named as in Grafana. `format` gives the number and what stands behind (or before) it.

import { agoText, momentText, spanText } from "./time.js";

const THOUSANDS = ["", " K", " Mil", " Bil"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB"];
const DECIMAL = ["B", "kB", "MB", "GB", "TB"];

const SUFFIX = { percent: " %", humidity: " %H", celsius: " °C", dBm: " dBm", reqps: " req/s", eps: " /s", wps: " writes/s", ops: " ops/s", watt: " W", volt: " V", ppm: " ppm", cpm: " /min", epm: " /min" };

export function format(value, unit = "none", decimals = null) {
  if (value === null || value === undefined || Number.isNaN(value)) return null;
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value !== "number") return String(value);
  switch (unit) {
    case "ms": return milliseconds(value, decimals);
    case "s": return milliseconds(value * 1000, decimals);
    case "dtdurations": case "dtdhms": return spanText(value);
    case "dateTimeFromNow": return agoText(value);
    case "dateTimeAsIso": case "dateTimeAsLocal": return momentText(value);
    case "percentunit": return `${number(value * 100, decimals)} %`;
    case "bytes": return scaled(value, decimals, 1024, BINARY, " ");
    case "decbytes": return scaled(value, decimals, 1000, DECIMAL, " ");
    case "Bps": return `${scaled(value, decimals, 1000, DECIMAL, " ")}/s`;
    case "binBps": return `${scaled(value, decimals, 1024, BINARY, " ")}/s`;
    case "currencyEUR": return `€ ${scaled(value, decimals, 1000, THOUSANDS, "")}`;
    case "currencyUSD": return `$ ${scaled(value, decimals, 1000, THOUSANDS, "")}`;
    case "locale": return number(value, decimals);
    case "short": return scaled(value, decimals, 1000, THOUSANDS, "");
    default: return `${number(value, decimals)}${unit.startsWith("suffix:") ? unit.slice(7) : (SUFFIX[unit] ?? "")}`;
  }
}

// A sentence with its long fractions cut to the four digits that a person reads.
export function shortened(text) {
  return (text ?? "").replace(/(?<![\d.])-?\d+\.\d{4,}(?![\d.])/g, (digits) => String(Number(Number(digits).toPrecision(4))));
}

function milliseconds(value, decimals) {
  if (Math.abs(value) < 1000) return `${number(value, decimals)} ms`;
  if (Math.abs(value) < 60000) return `${number(value / 1000, Math.max(decimals ?? 0, 2))} s`;
  return spanText(value / 1000);
}

function scaled(value, decimals, step, names, gap) {
  let rank = 0;
  let rest = value;
  while (Math.abs(rest) >= step && rank < names.length - 1) {
    rest /= step;
    rank += 1;
  }
  return `${number(rest, rank > 0 ? Math.max(decimals ?? 0, 1) : decimals)}${gap}${names[rank]}`;
}

// Making one of the browser's formatters costs a hundred times what using it does.
const FORMATTERS = new Map();

// With no word about decimals: three digits that mean something.
function number(value, decimals) {
  const size = Math.abs(value);
  const places = decimals ?? (Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
  const least = decimals ?? 0;
  const key = `${least} ${places}`;
  if (!FORMATTERS.has(key)) FORMATTERS.set(key, new Intl.NumberFormat("en", { minimumFractionDigits: least, maximumFractionDigits: places }));
  return FORMATTERS.get(key).format(value);
}
