// From an alert on to the board that shows what its rule looks at, with its labels picked and its time on it.

const BEFORE_MS = 1800000;
const AFTER_MS = 300000;
const SOURCE = /\bFROM\s+(?:"([^"]+)"|([^"\s(),;]+))/gi;

// `boards`: of the index. Null where none asks for the rule's measurement, or knows what it is to show of it.
export function boardAddress(boards, query, alert) {
  const asked = [...(query ?? "").matchAll(SOURCE)].map(([, quoted, plain]) => quoted ?? plain);
  const fitting = boards.filter((board) => asked.some((name) => board.asks.includes(name)) && picked(board, alert).complete);
  const [best] = fitting.map((board) => ({ board, ...picked(board, alert) })).sort((a, b) => b.labels.length - a.labels.length || a.open - b.open);
  if (!best || best.labels.length === 0) return null;
  const wish = new URLSearchParams(best.labels.map(([name, value]) => [`var-${name}`, value]));
  wish.set("from", Date.parse(alert.fired_at ?? alert.since ?? alert.seen_at) - BEFORE_MS);
  wish.set("to", alert.state === "inactive" ? Date.parse(alert.seen_at) + AFTER_MS : "now");
  return { title: best.board.title, address: `/boards/${best.board.uid}?${wish}` };
}

// Which labels the board can pick; it is complete where nothing that takes one value only is left to chance.
function picked({ variables }, { labels }) {
  const names = Object.keys(variables);
  const known = names.filter((name) => labels[name] !== undefined);
  const missing = names.filter((name) => labels[name] === undefined);
  return { labels: known.map((name) => [name, labels[name]]), open: missing.length, complete: missing.every((name) => variables[name]) };
}
