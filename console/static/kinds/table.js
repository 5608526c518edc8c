// Rows and columns. A click on a heading sorts; a cell may be coloured, a bar, or a link.

import { clear, el } from "../dom.js";
import { alarm, cellColour, settings, written } from "../fields.js";
import { rowCount } from "../frames.js";
import { address } from "../links.js";
import { sortRows } from "../transform.js";

const MOST_ROWS = 500;

export function table(body, spec) {
  let order = spec.options?.sortBy?.[0] ?? null;
  let last = null;
  const draw = () => {
    const { data, scope } = last;
    const columns = data.fields.map((field) => ({ name: field.name, setting: settings(spec, field.name) }));
    const title = (column) => column.setting.displayName ?? column.name;
    const sorted = columns.find((column) => title(column) === order?.displayName);
    const rows = sorted ? sortRows(data, sorted.name, order.desc) : data;
    const sort = (column) => {
      order = { displayName: title(column), desc: order?.displayName === title(column) ? !order.desc : true };
      draw();
    };
    const scroll = body.scrollTop;
    const more = rowCount(data) - MOST_ROWS;
    const rest = more > 0 ? el("p", { class: "muted" }, `and ${more} more rows: pick fewer above`) : null;
    clear(body, el("table", {}, head(columns, title, order, sort), cells(rows, columns, scope)), rest);
    body.scrollTop = scroll;
  };
  return {
    update({ table: data }, scope) {
      last = { data, scope };
      draw();
      return rowCount(data) > 0;
    },
  };
}

// What decides how a cell stands: a number to the right, a moment in one line.
function shape({ unit }) {
  if (!unit || unit === "none") return "";
  return unit.startsWith("dateTime") ? "moment" : "number";
}

function head(columns, title, order, sort) {
  const headings = columns.map((column) => {
    const direction = order?.displayName === title(column) ? (order.desc ? "descending" : "ascending") : null;
    const button = el("button", { type: "button", onclick: () => sort(column) }, title(column));
    return el("th", { scope: "col", "aria-sort": direction, class: shape(column.setting) }, button);
  });
  return el("thead", {}, el("tr", {}, ...headings));
}

function cells(table, columns, scope) {
  const count = Math.min(rowCount(table), MOST_ROWS);
  const most = table.fields.map((field) => field.values.reduce((top, value) => (typeof value === "number" && value > top ? value : top), 0));
  const rows = Array.from({ length: count }, (_, row) => {
    const values = Object.fromEntries(table.fields.map((field) => [field.name, field.values[row]]));
    return el("tr", {}, ...columns.map((column, at) => cell(column, values[column.name], values, most[at], scope)));
  });
  return el("tbody", {}, ...rows);
}

function cell({ setting, name }, value, row, most, scope) {
  const text = written(value, setting) ?? "–";
  const kind = setting.custom?.cellOptions?.type;
  const colour = cellColour(value, setting);
  const style = kind === "color-text" && colour ? { color: colour } : {};
  const sign = kind ? alarm(value, setting) : null;
  const shown = setting.links?.length > 0 ? el("a", { href: address(setting.links[0].url, scope, row), title: setting.links[0].title }, text) : text;
  const content = sign ? el("span", {}, shown, el("span", { class: "alarm", title: sign.words, style: { color: colour } }, sign.sign)) : shown;
  if (kind !== "gauge" || typeof value !== "number") return el("td", { class: shape(setting), style }, content);
  const share = Math.min(Math.max((value / (setting.max ?? (most || 1))) * 100, 0), 100);
  const bar = el("span", { class: "track" }, el("span", { class: "bar", style: { width: `${share}%`, "background-color": colour } }));
  return el("td", { class: "gauge" }, el("span", { class: "cell" }, bar, el("span", { class: "value" }, content)));
}
