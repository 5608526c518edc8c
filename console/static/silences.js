// Who is not told of what, until when, and why; and the form that makes a silence (silenceform.js).

import { change, get } from "./api.js";
import { clear, el, redraw } from "./dom.js";
import { pill, tags } from "./labels.js";
import { repeat } from "./poll.js";
import { silenceForm } from "./silenceform.js";
import { agoText, momentText, spanText } from "./time.js";

const EVERY_MS = 3000;
const LIST = "/api/alerting/silences";

export async function silencesPage(page) {
  document.title = "Silences · Tocsin";
  const list = el("section", { class: "panel list", "data-panel-id": "silences", "data-state": "loading" });
  const form = el("section", { class: "panel list", "data-panel-id": "silence-form", "data-state": "loading" });
  const said = el("p", { class: "said", role: "status" });
  const seen = { ending: null, mayChange: false };
  const refresh = async () => fill(list, await asked(), seen, { end, redraw: refresh });
  const end = async (silence) => {
    const told = await attempt(() => change("DELETE", `${LIST}/${silence.id}`));
    said.textContent = told.error ?? `The silence of ${silence.author} is over: ${silence.matchers.join(", ")}`;
    said.classList.toggle("problem", Boolean(told.error));
    seen.ending = null;
    await refresh();
  };
  clear(page, el("div", { class: "bar-top" }, el("h1", {}, "Silences")), el("div", { class: "stack" }, said, form, list));
  const settings = await get("/api/config");
  seen.mayChange = !settings.no_changes;
  const made = async ({ silence }) => {
    said.textContent = `Silenced until ${momentText(Date.parse(silence.ends_at))}: ${silence.matchers.join(", ")}`;
    said.classList.remove("problem");
    await refresh();
  };
  await Promise.all([silenceForm(form, settings, made), refresh()]);
  repeat(refresh, EVERY_MS);
}

function asked() {
  return attempt(() => get(LIST));
}

async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    return { error: error.message };
  }
}

function fill(section, { silences, error }, seen, acts) {
  if (error) {
    section.dataset.state = "error";
    section.querySelector(":scope > .problem")?.remove();
    section.prepend(el("p", { class: "problem" }, error));
    return;
  }
  const over = silences.filter((silence) => silence.phase === "expired");
  const current = silences.filter((silence) => silence.phase !== "expired").map((silence) => card(silence, seen, acts));
  const none = current.length === 0 ? el("p", { class: "none" }, "No silence is in force or to come: everybody hears of everything.") : null;
  const past = over.length > 0 ? el("details", { class: "past", "data-key": "past" }, el("summary", { "data-key": "past-summary" }, `${over.length} that ended`), el("ul", { class: "cards" }, ...over.map((silence) => card(silence, seen, acts)))) : null;
  redraw(section, el("header", {}, el("h2", {}, "In force and to come")), none ?? el("ul", { class: "cards" }, ...current), past);
  section.dataset.state = none && !past ? "empty" : "ok";
}

function card(silence, seen, acts) {
  const alerts = silence.phase === "expired" ? "" : ` · ${silence.alerts} open alert${silence.alerts === 1 ? "" : "s"} match${silence.alerts === 1 ? "es" : ""}`;
  return el(
    "li",
    { class: "card silence", "data-silence": silence.id, "data-phase": silence.phase },
    el("div", { class: "line" }, pill(silence.phase), el("strong", {}, silence.comment), times(silence)),
    tags(silence.matchers),
    el("p", { class: "muted" }, `by ${silence.author}${alerts}`),
    seen.mayChange ? actions(silence, seen, acts) : null,
  );
}

function times({ phase, starts_at: start, ends_at: end }) {
  const at = Date.parse(phase === "pending" ? start : end);
  const words = { pending: `from ${momentText(at)}`, active: `for ${spanText((at - Date.now()) / 1000)} more`, expired: `ended ${agoText(at)}` }[phase];
  return el("time", { datetime: phase === "pending" ? start : end, title: momentText(at) }, words);
}

// Ending asks once more, in place: the next alert pages people again.
function actions(silence, seen, acts) {
  if (silence.phase === "expired") return el("p", { class: "acts" }, el("a", { href: again(silence), "data-key": `again-${silence.id}` }, "Make it again"));
  const ask = (id) => async () => {
    seen.ending = id;
    await acts.redraw();
  };
  const key = `end-${silence.id}`;
  const change = el("a", { href: changing(silence), "data-key": `change-${silence.id}` }, "Change");
  if (seen.ending !== silence.id) return el("p", { class: "acts" }, el("button", { type: "button", "data-key": key, onclick: ask(silence.id) }, "End"), change);
  return el(
    "p",
    { class: "acts", role: "group", "aria-label": "End this silence?" },
    "Alerts that match are told again. ",
    el("button", { type: "button", class: "danger", "data-key": key, onclick: () => acts.end(silence) }, "End it now"),
    el("button", { type: "button", "data-key": `keep-${silence.id}`, onclick: ask(null) }, "Keep it"),
  );
}

function again(silence, more = []) {
  return `/silences?${new URLSearchParams([...silence.matchers.map((text) => ["matcher", text]), ["comment", silence.comment], ...more])}`;
}

function changing(silence) {
  const start = silence.phase === "pending" ? [["starts_at", silence.starts_at]] : [];
  return again(silence, [["id", silence.id], ["ends_at", silence.ends_at], ...start]);
}
