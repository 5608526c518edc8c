// What is firing and pending, and what happened lately; asked again every few seconds.

import { get } from "./api.js";
import { clear, el, redraw } from "./dom.js";
import { Hands, inHand } from "./hands.js";
import { changePill, labelTags, pill } from "./labels.js";
import { silenceAddress } from "./matchers.js";
import { repeat } from "./poll.js";
import { agoText, momentText, spanText } from "./time.js";
import { shortened } from "./units.js";

const MOST = 100;
const LISTED = `/api/alerting/alerts?limit=${MOST}`;
const EVERY_MS = 3000;
const HISTORY = 60;

export async function alertsPage(page) {
  document.title = "Alerts · Tocsin";
  const now = el("section", { class: "panel list", "data-panel-id": "alerts", "data-state": "loading" });
  const past = el("section", { class: "panel list", "data-panel-id": "history", "data-state": "loading" });
  const rules = el("section", { class: "panel list", "data-panel-id": "rules", "data-state": "loading" });
  clear(page, el("div", { class: "bar-top" }, el("h1", {}, "Alerts")), el("div", { class: "stack" }, now, past, rules));
  const hands = new Hands(await get("/api/config"), () => fill(now, LISTED, draw));
  const draw = (answer) => alertCards(answer, MOST, hands);
  const refresh = () => Promise.all([
    fill(now, LISTED, draw),
    fill(past, `/api/alerting/history?limit=${HISTORY}`, ({ history }) => historyTable(history)),
    fill(rules, "/api/alerting/rules", (answer) => ruleTable(answer.rules)),
  ]);
  await refresh();
  repeat(refresh, EVERY_MS);
}

// Ask, draw, and say so when the other side is away: what was drawn before stays, marked as old.
async function fill(section, path, draw) {
  try {
    redraw(section, ...draw(await get(path)));
    section.dataset.state = section.querySelector(".none") ? "empty" : "ok";
  } catch (error) {
    section.dataset.state = "error";
    const note = el("p", { class: "problem" }, error.message);
    section.querySelector(":scope > .problem")?.remove();
    section.prepend(note);
  }
}

// The worst come first, so what is cut off at `most` matters least; how many there are is always said (`total`, by state).
// `hands` makes the buttons that take one; without it there are none.
export function alertCards({ alerts, total }, most, hands) {
  const title = el("header", {}, el("h2", {}, "Now"));
  if (alerts.length === 0) return [title, el("p", { class: "none" }, "Nothing is firing. All quiet.")];
  const shown = alerts.slice(0, most);
  const rest = Object.entries(total).map(([state, all]) => [state, all - shown.filter((alert) => alert.state === state).length]).filter(([, left]) => left > 0);
  const left = rest.reduce((sum, [, some]) => sum + some, 0);
  const words = rest.map(([state, some]) => `${some} ${state}`).join(", ");
  const more = left > 0 ? el("p", { class: "muted" }, el("a", { href: "/alerts" }, `and ${left} more`), ` (${words})`) : null;
  return [title, el("ul", { class: "cards" }, ...shown.map((alert) => card(alert, hands))), more];
}

function card(alert, hands) {
  const since = alert.fired_at ?? alert.since;
  const told = alert.incidents?.filter((incident) => incident.said_at).map((incident) => incident.receiver) ?? [];
  const muted = alert.incidents?.filter((incident) => incident.muted) ?? [];
  return el(
    "li",
    { class: "card", "data-alert": alert.rule, "data-alert-state": alert.state, "data-severity": alert.severity },
    el("div", { class: "line" }, pill(alert.state, alert.severity), el("a", { href: `/alerts/${encodeURIComponent(alert.id)}`, "data-key": `alert-${alert.id}` }, el("strong", {}, alert.rule)), muted.length > 0 ? pill("muted") : null, alert.acknowledged ? pill("acknowledged") : null, since ? el("time", { datetime: since, title: momentText(Date.parse(since)) }, agoText(Date.parse(since))) : null),
    el("p", {}, alert.annotations?.summary || shortened(alert.reason)),
    el("p", { class: "muted", title: alert.reason }, shortened(alert.reason), told.length > 0 ? ` · told: ${told.join(", ")}` : ""),
    inHand(alert),
    ...muted.map((incident) => el("p", { class: "why-muted" }, `${incident.receiver}: ${incident.muted.words}`)),
    labelTags(alert.labels),
    el("div", { class: "acts" }, hands?.acts(alert), el("a", { href: silenceAddress(alert.labels), "data-key": `silence-${alert.id}` }, "Silence")),
  );
}

function historyTable(history) {
  const title = el("header", {}, el("h2", {}, "Lately"));
  if (history.length === 0) return [title, el("p", { class: "none" }, "No alert has changed its state yet.")];
  const rows = history.map((entry) => el(
    "tr",
    { "data-change": entry.change },
    el("td", {}, el("time", { datetime: entry.at, title: momentText(Date.parse(entry.at)) }, agoText(Date.parse(entry.at)))),
    el("td", {}, changePill(entry)),
    el("td", {}, entry.rule),
    el("td", {}, entry.summary || shortened(entry.reason)),
    el("td", { class: "muted wide" }, entry.change),
  ));
  return [title, table(["when", "state", "rule", "what"], "change", rows)];
}

function ruleTable(rules) {
  const title = el("header", {}, el("h2", {}, "Rules"));
  if (rules.length === 0) return [title, el("p", { class: "none" }, "No rule is loaded.")];
  const rows = rules.map((rule) => el(
    "tr",
    { "data-rule": rule.name },
    el("td", {}, pill(rule.health, rule.health)),
    el("td", {}, rule.name),
    el("td", {}, ...limits(rule)),
    el("td", { class: "muted" }, ...(rule.error ? [rule.error] : [`${rule.series} series`, el("span", { class: "wide" }, `, every ${spanText(rule.every_s)}`)])),
    el("td", { class: "wide" }, el("code", {}, rule.query)),
  ));
  return [title, table(["health", "rule", "limits", "state"], "query", rows)];
}

// Each limit stays on one line: "warn > 600".
function limits(rule) {
  const words = [rule.warn && `warn ${rule.warn}`, rule.critical && `critical ${rule.critical}`].filter(Boolean);
  return words.map((one, at) => el("span", { class: "limit-words" }, at < words.length - 1 ? `${one}, ` : one));
}

// `last`: the heading of a column that a narrow screen leaves out.
function table(headings, last, rows) {
  const cells = headings.map((words) => el("th", { scope: "col" }, words));
  const head = el("thead", {}, el("tr", {}, ...cells, el("th", { scope: "col", class: "wide" }, last)));
  return el("div", { class: "body" }, el("table", {}, head, el("tbody", {}, ...rows)));
}
