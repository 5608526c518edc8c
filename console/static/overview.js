// The first page: is the line well, what is on fire, which boards there are.

import { alertCards } from "./alerts.js";
import { get } from "./api.js";
import { clear, el, redraw } from "./dom.js";
import { repeat } from "./poll.js";
import { spanText } from "./time.js";

const EVERY_MS = 3000;
const MOST = 5;

export async function overviewPage(page) {
  document.title = "Tocsin";
  const health = el("section", { class: "panel health", "data-panel-id": "health", "data-state": "loading" });
  const firing = el("section", { class: "panel list", "data-panel-id": "alerts", "data-state": "loading" });
  const boards = el("section", { class: "boards", "data-panel-id": "boards", "data-state": "loading" });
  clear(page, el("div", { class: "bar-top" }, el("h1", {}, "Overview")), el("div", { class: "stack" }, health, firing, boards));
  const refresh = () => Promise.all([drawHealth(health), drawAlerts(firing)]);
  await Promise.all([drawBoards(boards), refresh()]);
  repeat(refresh, EVERY_MS);
}

async function drawBoards(section) {
  const { boards, problems } = await get("/api/boards");
  const cards = boards.map((board) => el("a", { class: "card", href: `/boards/${board.uid}` }, el("strong", {}, board.title), el("p", { class: "muted" }, board.description)));
  clear(section, ...problems.map((words) => el("p", { class: "problem" }, words)), ...cards);
  section.dataset.state = problems.length > 0 ? "error" : "ok";
}

async function drawHealth(section) {
  const [line, alarm] = await Promise.all([asked("/api/collector"), asked("/api/alerting/status")]);
  const collector = line.error ? problem("Collector", line.error) : lamp("Collector", line.status === "ready" || line.status === "ok", collectorWords(line));
  const alerting = alarm.error ? problem("Alerting", alarm.error) : lamp("Alerting", alarm.status === "ok", alertingWords(alarm));
  clear(section, collector, alerting);
  section.dataset.state = line.error || alarm.error ? "error" : "ok";
}

async function asked(path) {
  try {
    return await get(path);
  } catch (error) {
    return { error: error.message };
  }
}

function collectorWords({ status, buffered_lines: lines, buffer_age_s: age }) {
  if (!lines) return `${status}, all delivered`;
  return `${status}, ${lines.toLocaleString("en")} lines waiting, the oldest for ${spanText(age ?? 0)}`;
}

function alertingWords({ status, rules, alerts, notifications, config }) {
  const words = [`${status}`, `${rules.total} rules`, `${alerts.firing} firing`, `${notifications.pending} messages waiting`];
  return [...words, ...(config?.errors ?? [])].join(", ");
}

function lamp(name, well, words) {
  return el("p", { class: "lamp" }, el("span", { class: `dot ${well ? "well" : "ill"}`, role: "img", "aria-label": well ? "well" : "not well" }), el("strong", {}, name), " ", words);
}

function problem(name, words) {
  return lamp(name, false, words);
}

async function drawAlerts(section) {
  try {
    const answer = await get(`/api/alerting/alerts?limit=${MOST}`);
    redraw(section, ...alertCards(answer, MOST));
    section.dataset.state = answer.alerts.length > 0 ? "ok" : "empty";
  } catch (error) {
    clear(section, el("p", { class: "problem" }, error.message));
    section.dataset.state = "error";
  }
}
