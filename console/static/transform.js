// Grafana's transformations that boards here use, on tables: joinByField makes one of several, calculateField computes a
// column, organize, sortBy and limit change one. Others change nothing; tables that nothing joins are put under each other.

export function transform(tables, transformations = []) {
  const joins = transformations.some(({ id }) => id === "joinByField");
  const first = joins ? joined(tables) : stacked(tables);
  return transformations.reduce((result, { id, options }) => (STEPS[id] ?? ((same) => same))(result, options ?? {}), first);
}

function stacked(tables) {
  const names = [...new Set(tables.flatMap((table) => table.fields.map((field) => field.name)))];
  const column = (table, name) => table.fields.find((field) => field.name === name)?.values ?? table.fields[0].values.map(() => null);
  return { fields: names.map((name) => ({ name, values: tables.filter((table) => table.fields.length > 0).flatMap((table) => column(table, name)) })) };
}

// Rows of the same time become one row; a table without that time leaves null.
function joined(tables) {
  const kept = tables.filter((table) => table.fields.length > 0);
  const times = [...new Set(kept.flatMap((table) => values(table, "Time")))].sort((a, b) => a - b);
  const columns = kept.flatMap((table) => {
    const at = new Map(values(table, "Time").map((time, row) => [time, row]));
    return table.fields.filter((field) => field.name !== "Time").map((field) => ({ name: field.name, values: times.map((time) => (at.has(time) ? field.values[at.get(time)] : null)) }));
  });
  return { fields: kept.length > 0 ? [{ name: "Time", values: times }, ...columns] : [] };
}

function values(table, name) {
  return table.fields.find((field) => field.name === name)?.values ?? [];
}

const OPERATORS = { "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => (b === 0 ? null : a / b) };

const STEPS = {
  calculateField(table, { binary = {}, alias, replaceFields }) {
    const [left, right] = [binary.left, binary.right].map((side) => operand(table, side));
    const compute = OPERATORS[binary.operator];
    const time = table.fields.filter((field) => field.name === "Time");
    const rows = Math.max(0, ...table.fields.map((field) => field.values.length));
    if (!compute || !left || !right || rows === 0) return replaceFields ? { fields: [] } : table;
    const result = Array.from({ length: rows }, (_, row) => (left(row) === null || right(row) === null ? null : compute(left(row), right(row))));
    return { fields: [...(replaceFields ? time : table.fields), { name: alias, values: result }] };
  },
  organize(table, { excludeByName = {}, renameByName = {}, indexByName = {} }) {
    const kept = table.fields.filter((field) => !excludeByName[field.name]);
    const place = (field) => indexByName[field.name] ?? Number.MAX_SAFE_INTEGER;
    const ordered = Object.keys(indexByName).length > 0 ? [...kept].sort((a, b) => place(a) - place(b)) : kept;
    return { fields: ordered.map((field) => ({ ...field, name: renameByName[field.name] || field.name })) };
  },
  sortBy(table, { sort = [] }) {
    const [wish] = sort;
    return wish ? sortRows(table, wish.field, wish.desc) : table;
  },
  limit(table, { limitField = 10 }) {
    return { fields: table.fields.map((field) => ({ ...field, values: field.values.slice(0, Number(limitField)) })) };
  },
};

// A side of a calculation: a number as it stands, or the field of that name; row -> number or null.
function operand(table, side) {
  const name = typeof side === "object" ? (side.matcher?.options ?? side.fixed) : side;
  const found = table.fields.find((field) => field.name === name);
  if (found) return (row) => found.values[row] ?? null;
  return name !== "" && Number.isFinite(Number(name)) ? () => Number(name) : null;
}

export function sortRows(table, name, descending) {
  const keys = table.fields.find((field) => field.name === name)?.values;
  if (!keys) return table;
  const order = keys.map((_, row) => row).sort((a, b) => compare(keys[a], keys[b]) * (descending ? -1 : 1));
  return { fields: table.fields.map((field) => ({ ...field, values: order.map((row) => field.values[row]) })) };
}

function compare(a, b) {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}
