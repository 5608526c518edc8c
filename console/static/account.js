// Why one alert is as it is, and who is told of it or why nobody: what `tocsin explain alert ID` prints, as a page.

import { get } from "./api.js";
import { clear, el, redraw } from "./dom.js";
import { Hands, inHand } from "./hands.js";
import { changePill, labelTags, pill } from "./labels.js";
import { silenceAddress } from "./matchers.js";
import { boardAddress } from "./onward.js";
import { repeat } from "./poll.js";
import { samplesFigure } from "./samples.js";
import { agoText, momentText, spanText } from "./time.js";
import { shortened } from "./units.js";

const EVERY_MS = 3000;

export async function accountPage(page, id) {
  document.title = "Alert · Tocsin";
  const sections = ["verdict", "why", "told", "history"].map((name) => el("section", { class: "panel list account", "data-panel-id": name, "data-state": "loading" }));
  const title = el("h1", {}, "Alert");
  const trouble = el("p", { class: "problem", role: "alert", hidden: true });
  clear(page, el("div", { class: "bar-top" }, title, el("a", { href: "/alerts" }, "all alerts")), trouble, el("div", { class: "stack" }, ...sections));
  const [settings, { boards }] = await Promise.all([get("/api/config"), get("/api/boards")]);
  const refresh = async () => {
    try {
      const account = await get(`/api/alerting/alerts/${id}/account`);
      trouble.hidden = true;
      title.textContent = account.alert.rule;
      document.title = `${account.alert.rule} · Tocsin`;
      [verdict, why, told, past].forEach((draw, at) => {
        redraw(sections[at], ...draw(account, hands, boards));
        sections[at].dataset.state = "ok";
      });
    } catch (error) {
      trouble.textContent = error.message;
      trouble.hidden = false;
      for (const section of sections) section.dataset.state = "error";
    }
  };
  const hands = new Hands(settings, refresh);
  await refresh();
  repeat(refresh, EVERY_MS);
}

function verdict({ alert, rule, verdict: words, incidents }, hands, boards) {
  const isMuted = incidents.some((incident) => incident.muted);
  const silence = alert.state === "inactive" ? null : el("div", { class: "acts" }, hands.acts(alert), el("a", { href: silenceAddress(alert.labels), "data-key": "silence" }, "Silence this alert"));
  return [
    el("header", {}, el("h2", {}, "Who is told"), isMuted ? pill("muted") : null, alert.acknowledged ? pill("acknowledged") : null),
    el("div", { class: "words" }, el("div", { class: "line" }, pill(alert.state, alert.severity), el("strong", { class: "verdict" }, words)), el("p", {}, alert.annotations.summary), alert.annotations.description ? el("p", { class: "muted" }, alert.annotations.description) : null, inHand(alert), labelTags(alert.labels), ...onward(alert, rule, boards), silence),
  ];
}

function onward(alert, rule, boards) {
  const board = boardAddress(boards, rule?.query, alert);
  const runbook = alert.annotations.runbook_url;
  const isAddress = /^https?:/.test(runbook ?? "");
  return [
    board ? el("p", {}, "Look at it: ", el("a", { href: board.address, "data-key": "board" }, board.title)) : null,
    runbook ? el("p", {}, "What to do: ", isAddress ? el("a", { href: runbook, rel: "noreferrer", "data-key": "runbook" }, runbook) : el("code", {}, runbook)) : null,
  ];
}

function why({ alert, rule, samples, calm_since: calm }) {
  const limits = { warning: rule?.warn ?? null, critical: rule?.critical ?? null };
  const query = rule ? el("p", {}, el("code", {}, rule.query)) : el("p", { class: "muted" }, "Its rule is gone.");
  const error = rule?.error ? el("p", { class: "problem" }, `The rule is ${rule.health}, so nothing resolves: ${rule.error}`) : null;
  return [
    el("header", {}, el("h2", {}, "Why")),
    el("div", { class: "words" }, el("p", { title: alert.reason }, shortened(alert.reason)), samples.length > 0 ? samplesFigure(samples, limits) : null, facts(timers(alert, rule, calm)), query, error),
  ];
}

function timers(alert, rule, calm) {
  const found = [
    ["warning", rule?.warn],
    ["critical", rule?.critical],
    ["ends at", rule?.resolve],
    ["judged", rule ? `every ${spanText(rule.every_s)}, over ${spanText(rule.over_s)}${rule.datapoints ? `, bad when ${rule.datapoints} are` : ""}` : null],
    ["bad since", moment(alert.since)],
    ["has to be bad for", rule?.for_s ? spanText(rule.for_s) : null],
    ["fired", moment(alert.fired_at)],
    ["good again since", moment(calm)],
    ["has to be good for", rule?.keep_firing_for_s ? spanText(rule.keep_firing_for_s) : null],
    ["last value", alert.value === null ? null : shortened(String(alert.value))],
    ["seen", moment(alert.seen_at)],
    ["without data", rule?.missing ? { keep: "it stays as it is", ok: "counts as good", alert: "counts as bad", missing: "it says that data is gone" }[rule.missing] : null],
    ["flapping", alert.flapping ? "yes: it ends only after a longer calm" : null],
  ];
  return found.filter(([, value]) => value !== null && value !== undefined);
}

function moment(at) {
  return at ? el("time", { datetime: at, title: agoText(Date.parse(at)) }, `${momentText(Date.parse(at))} (${agoText(Date.parse(at))})`) : null;
}

function facts(pairs) {
  return el("dl", { class: "facts" }, ...pairs.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

function told({ routes, incidents }) {
  const ways = routes.map((route) => el("li", {}, `${way(route)} → `, el("strong", {}, route.receiver), el("span", { class: "muted" }, ` grouped by ${route.group_by.join(", ") || "nothing"}`)));
  const none = incidents.length === 0 ? el("p", { class: "none" }, "It is in no incident: nobody is told.") : null;
  return [
    el("header", {}, el("h2", {}, "Route and incidents")),
    ways.length > 0 ? el("ul", { class: "words", "aria-label": "Routes" }, ...ways) : null,
    none ?? el("ul", { class: "cards" }, ...incidents.map(incident)),
  ];
}

function way({ matchers }) {
  return matchers.length === 0 ? "the root route" : matchers.map((own) => own.join(", ") || "any").join(" › ");
}

function incident(one) {
  const heard = one.heard ? `${one.heard.state}, ${one.heard.severity}` : "nothing yet";
  const pairs = [
    ["through", one.notifiers.join(", ") || "no notifier: shown here and told to no one"],
    ["group", Object.entries(one.group).map(([name, value]) => `${name}=${value}`).join(", ") || "everything"],
    ["open since", moment(one.opened_at)],
    ["last heard", heard],
    ["said", moment(one.said_at)],
    ["looked at again", one.due ? momentText(Date.parse(one.due)) : null],
  ].filter(([, value]) => value !== null);
  return el(
    "li",
    { class: "card", "data-incident": one.id },
    el("div", { class: "line" }, el("strong", {}, one.receiver), one.muted ? pill("muted") : null),
    one.muted ? el("p", { class: "why-muted" }, one.muted.words) : null,
    facts(pairs),
    one.messages.length > 0 ? messages(one.messages) : null,
  );
}

function messages(rows) {
  const cells = rows.map((row) => el(
    "tr",
    { "data-message": row.state },
    el("td", {}, el("time", { datetime: row.decided_at, title: momentText(Date.parse(row.decided_at)) }, agoText(Date.parse(row.decided_at)))),
    el("td", {}, row.notifier),
    el("td", {}, pill(row.state)),
    el("td", {}, [row.why, row.reason, row.last_error].filter(Boolean).join(" · ")),
  ));
  return table(["decided", "by", "state", "why"], cells);
}

function past({ history }) {
  const title = el("header", {}, el("h2", {}, "History"));
  if (history.length === 0) return [title, el("p", { class: "none" }, "It has not changed its state yet.")];
  const rows = history.map((entry) => el(
    "tr",
    { "data-change": entry.change },
    el("td", {}, el("time", { datetime: entry.at, title: momentText(Date.parse(entry.at)) }, agoText(Date.parse(entry.at)))),
    el("td", {}, changePill(entry)),
    el("td", {}, entry.change),
    el("td", { title: entry.reason }, shortened(entry.reason)),
  ));
  return [title, table(["when", "state", "change", "why"], rows)];
}

function table(headings, rows) {
  const head = el("thead", {}, el("tr", {}, ...headings.map((words) => el("th", { scope: "col" }, words))));
  return el("div", { class: "body" }, el("table", {}, head, el("tbody", {}, ...rows)));
}
