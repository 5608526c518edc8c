// Grafana's transformations that boards here use, on a table: organize, sortBy, limit. Others change nothing.

export function transform(table, transformations = []) {
  return transformations.reduce((result, { id, options }) => (STEPS[id] ?? ((same) => same))(result, options ?? {}), table);
}

const STEPS = {
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
