// The form that makes a silence. The address may fill it in: ?matcher=..., once for each, and ?comment=...; with ?id= and
// ?ends_at= (and ?starts_at= of one to come) it changes that silence.

import { change, get } from "./api.js";
import { remember, remembered } from "./author.js";
import { clear, el } from "./dom.js";
import { OPERATORS, matcherText, meets, readMatcher } from "./matchers.js";

const SPANS = [["30m", "30 minutes"], ["1h", "1 hour"], ["2h", "2 hours"], ["4h", "4 hours"], ["8h", "8 hours"], ["1d", "1 day"], ["3d", "3 days"], ["7d", "a week"]];
const USUAL = "2h";
const UNTIL = "until";
const SHOWN = 8;

// `closed`: why nothing can be changed here, or null. `made` is called with the answer.
export async function silenceForm(section, { no_changes: closed, name }, made) {
  const wish = new URLSearchParams(location.search);
  const title = el("header", {}, el("h2", {}, wish.has("id") ? "Change a silence" : "New silence"));
  section.dataset.state = "ok";
  if (closed) {
    clear(section, title, el("p", { class: "none" }, closed));
    return;
  }
  const rows = el("ul", { class: "matchers" });
  const would = el("p", { class: "muted would", role: "status" });
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const look = preview(rows, would);
  const add = (matcher) => {
    const row = matcherRow(matcher, () => { row.remove(); look(); }, look);
    rows.append(row);
    return row;
  };
  const given = wish.getAll("matcher").map(readMatcher).filter(Boolean);
  for (const matcher of given.length > 0 ? given : [{ name: "", operator: "=", value: "" }]) add(matcher);
  const more = el("button", { type: "button", onclick: () => add({ name: "", operator: "=", value: "" }).querySelector("input").focus() }, "Add a matcher");
  const span = el("select", { name: "span", id: "silence-span" }, ...SPANS.map(([value, words]) => el("option", { value, selected: value === USUAL && !wish.has("ends_at") }, words)), el("option", { value: UNTIL, selected: wish.has("ends_at") }, "until…"));
  const until = el("input", { type: "datetime-local", name: "until", "aria-label": "Until", hidden: !wish.has("ends_at"), value: localMoment(wish.get("ends_at")), step: wish.has("ends_at") ? 1 : null });
  span.addEventListener("change", () => {
    until.hidden = span.value !== UNTIL;
    if (!until.hidden) until.focus();
  });
  const author = el("input", { name: "author", id: "silence-author", autocomplete: "name", required: true, maxlength: 1000, value: name ?? remembered() });
  const comment = el("input", { name: "comment", id: "silence-comment", required: true, maxlength: 1000, value: wish.get("comment") ?? "", placeholder: "why nobody needs to hear of it" });
  const submit = el("button", { type: "submit", class: "primary" }, wish.has("id") ? "Change it" : "Silence");
  const known = Object.fromEntries(["id", "starts_at"].filter((key) => wish.has(key)).map((key) => [key, wish.get(key)]));
  const send = async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      const answer = await change("POST", "/api/alerting/silences", { ...wanted(rows, span, until, author, comment), ...known });
      remember(author.value);
      if (known.id) return leave();
      problem.hidden = true;
      comment.value = "";
      clear(rows);
      add({ name: "", operator: "=", value: "" });
      history.replaceState(null, "", "/silences");
      look();
      await made(answer);
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      submit.disabled = false;
    }
  };
  clear(section, title, el(
    "form",
    { class: "silence-form", onsubmit: send },
    el("fieldset", {}, el("legend", {}, "Alerts with all of"), rows, more, would),
    el("div", { class: "field" }, el("label", { for: "silence-span" }, "For"), el("span", {}, span, until)),
    el("div", { class: "field" }, el("label", { for: "silence-author" }, "Your name"), author),
    el("div", { class: "field" }, el("label", { for: "silence-comment" }, "Comment"), comment),
    el("div", { class: "field" }, el("span", {}, submit, known.id ? el("a", { href: "/silences" }, "Leave it as it is") : null)),
    problem,
  ));
  await look();
}

// What the field of the browser takes: the time on its clock, without a zone.
function localMoment(text) {
  if (!text) return null;
  const at = new Date(text);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

// The form is for new silences again.
function leave() {
  location.assign("/silences");
}

function matcherRow({ name, operator, value }, remove, changed) {
  const sign = el("select", { name: "operator", "aria-label": "Operator", onchange: changed }, ...OPERATORS.map((one) => el("option", { value: one, selected: one === operator }, one)));
  return el(
    "li",
    {},
    el("input", { name: "label", "aria-label": "Label", placeholder: "label", value: name, required: true, oninput: changed }),
    sign,
    el("input", { name: "value", "aria-label": "Value", placeholder: "value", value, oninput: changed }),
    el("button", { type: "button", "aria-label": "Leave this matcher out", title: "Leave this matcher out", onclick: remove }, "×"),
  );
}

function matchersOf(rows) {
  const text = (row, name) => row.querySelector(`[name="${name}"]`).value;
  return [...rows.children].map((row) => ({ name: text(row, "label").trim(), operator: text(row, "operator"), value: text(row, "value") })).filter(({ name }) => name !== "");
}

function wanted(rows, span, until, author, comment) {
  const doc = { matchers: matchersOf(rows).map(matcherText), author: author.value, comment: comment.value };
  if (span.value !== UNTIL) return { ...doc, for: span.value };
  if (!until.value) throw new Error("until: pick the moment at which the silence ends");
  return { ...doc, ends_at: new Date(until.value).toISOString() };
}

// Which open alerts the matchers would mute: names them, so that nobody mutes more than was meant.
function preview(rows, would) {
  let asked = null;
  return async () => {
    const matchers = matchersOf(rows);
    asked ??= get("/api/alerting/alerts");
    try {
      const { alerts, total } = await asked;
      const demands = matchers.length > 0 && !meets(matchers, {});
      const found = demands ? alerts.filter((alert) => meets(matchers, { ...alert.labels, severity: alert.severity })) : [];
      would.textContent = demands ? words(found, alerts.length, Object.values(total).reduce((sum, some) => sum + some, 0)) : "At least one matcher has to demand a label.";
    } catch (error) {
      asked = null;
      would.textContent = `What it would match cannot be said: ${error.message}`;
    }
  };
}

// `looked` of `all` were looked at: those that the API lists.
function words(found, looked, all) {
  const among = looked < all ? `the first ${looked} of ${all}` : all;
  if (found.length === 0) return `Matches none of ${among} open alerts; it holds for those to come.`;
  const names = found.slice(0, SHOWN).map((alert) => alert.annotations?.summary || alert.rule);
  const rest = found.length > SHOWN ? ` and ${found.length - SHOWN} more` : "";
  return `Matches ${found.length} of ${among} open alerts: ${names.join(" · ")}${rest}`;
}
