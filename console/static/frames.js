// An answer of InfluxQL as Grafana's data source shapes it.
//   series: [{name, labels, times: [ms], values: [number|null]}], one for each value column of each group
//   table:  {fields: [{name, values}]}, time and tags first

export function toSeries(answer, alias) {
  return answer.flatMap((one) =>
    one.columns.slice(1).map((column, index) => ({
      name: seriesName(one, column, alias),
      labels: one.tags ?? {},
      times: one.values.map((row) => row[0]),
      values: one.values.map((row) => row[index + 1]),
    })),
  );
}

export function toTable(answers) {
  const rows = answers.flat().flatMap((one) =>
    one.values.map((row) => ({ Time: row[0], ...one.tags, ...Object.fromEntries(one.columns.slice(1).map((name, at) => [name, row[at + 1]])) })),
  );
  const names = [...new Set(rows.flatMap(Object.keys))];
  return { fields: names.map((name) => ({ name, values: rows.map((row) => row[name] ?? null) })) };
}

// A table that has one row a moment is series too, one for each column of numbers; none where there are series already.
export function fromWide(table, series) {
  const times = table.fields.find((field) => field.name === "Time")?.values ?? [];
  if (series.length > 0 || times.length === 0 || new Set(times).size < times.length) return [];
  const columns = table.fields.filter((field) => field.name !== "Time");
  if (columns.some((field) => field.values.some((value) => value !== null && typeof value !== "number"))) return [];
  return columns.map((field) => ({ name: field.name, labels: {}, times, values: field.values }));
}

export function rowCount(table) {
  return table.fields[0]?.values.length ?? 0;
}

function seriesName(one, column, alias) {
  if (alias) {
    return alias.replace(/\$tag_(\w+)|\$col\b|\$m\b|\[\[tag_(\w+)\]\]/g, (whole, tag, tagInBrackets) => {
      if (whole === "$col") return column;
      if (whole === "$m") return one.name;
      return one.tags?.[tag ?? tagInBrackets] || "(none)";
    });
  }
  const tags = Object.entries(one.tags ?? {}).map(([key, value]) => `${key}: ${value}`).join(", ");
  return tags ? `${one.name}.${column} {${tags}}` : `${one.name}.${column}`;
}

const CALCULATIONS = {
  lastNotNull: (values) => values.at(-1),
  last: (values) => values.at(-1),
  first: (values) => values[0],
  firstNotNull: (values) => values[0],
  mean: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  min: (values) => values.reduce((least, value) => Math.min(least, value), Infinity),
  max: (values) => values.reduce((most, value) => Math.max(most, value), -Infinity),
  count: (values) => values.length,
};

// One number out of a field's values, or null where there is none.
export function reduce(values, calculation) {
  const present = values.filter((value) => value !== null && value !== undefined);
  if (present.length === 0) return null;
  return (CALCULATIONS[calculation] ?? CALCULATIONS.lastNotNull)(present);
}
