// Matchers as Alertmanager writes them: read, written, and tried on labels to show beforehand what a silence would mute.
// What alerting makes of them decides; this is a picture of it.

export const OPERATORS = ["=", "!=", "=~", "!~"];

const PLAIN_NAME = /^[^\s"'={}!~,]+$/;
const FORM = /^\s*(?:"((?:[^"\\]|\\.)+)"|([^\s"'={}!~,]+))\s*(=~|!=|!~|=)\s*(?:"((?:[^"\\]|\\.)*)"|(.*?))\s*$/s;
const ESCAPES = { n: "\n", '"': '"', "\\": "\\" };

export function matcherText({ name, operator, value }) {
  return `${PLAIN_NAME.test(name) ? name : quoted(name)}${operator}${quoted(value)}`;
}

// {name, operator, value}, or null for what is no matcher.
export function readMatcher(text) {
  const parts = FORM.exec(text ?? "");
  if (!parts) return null;
  const [, quotedName, name, operator, quotedValue, value] = parts;
  return { name: quotedName === undefined ? name : plain(quotedName), operator, value: quotedValue === undefined ? value : plain(quotedValue) };
}

// Whether labels meet all; throws where an expression cannot be read. A label that is missing is an empty one.
export function meets(matchers, labels) {
  return matchers.every(({ name, operator, value }) => {
    const own = labels[name] ?? "";
    switch (operator) {
      case "=": return own === value;
      case "!=": return own !== value;
      case "=~": return whole(value).test(own);
      default: return !whole(value).test(own);
    }
  });
}

// An address of the form with the labels of an alert filled in.
export function silenceAddress(labels) {
  const found = Object.entries(labels ?? {}).map(([name, value]) => ["matcher", matcherText({ name, operator: "=", value })]);
  return `/silences?${new URLSearchParams(found)}`;
}

function whole(expression) {
  return new RegExp(`^(?:${expression})$`, "su");
}

function quoted(text) {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

function plain(text) {
  return text.replace(/\\(.)/gs, (all, sign) => ESCAPES[sign] ?? all);
}
