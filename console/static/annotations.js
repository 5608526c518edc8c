// Alerts and deploys as marks on every time axis: asked once a refresh, drawn by each chart.

import { query } from "./api.js";
import { expand } from "./macros.js";
import { named } from "./theme.js";

// [{at, colour, title, text}], oldest first. A query that fails leaves out its marks and nothing else.
export async function loadMarks(board, scope, signal) {
  const specs = (board.annotations?.list ?? []).filter((spec) => spec.enable && spec.target?.query);
  const found = await Promise.all(specs.map((spec) => marks(spec, scope, signal)));
  return found.flat().sort((a, b) => a.at - b.at);
}

async function marks(spec, scope, signal) {
  const { target } = spec;
  let series = [];
  try {
    series = await query(expand(target.query, scope), signal);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    console.warn("annotations", spec.name, error.message);
    return [];
  }
  return series.flatMap((one) => {
    const cell = (row, name) => row[one.columns.indexOf(name)] ?? "";
    return one.values.map((row) => ({
      at: row[0],
      colour: named(spec.iconColor),
      title: [cell(row, target.titleColumn), ...(target.tagsColumn ?? "").split(",").map((name) => cell(row, name))].filter(Boolean).join(" · "),
      text: String(cell(row, target.textColumn)),
    }));
  });
}
