// Entry of the pages, and their map:
//   dom, api, poll            elements, requests, and asking again
//   time, units               moments and windows, numbers with units
//   range, keys               a board's time range, and what the keyboard does
//   theme                     colours of the page for the charts
//   overview, alerts          two of the pages; board is the third
//   account, samples          why one alert is as it is, and its datapoints drawn small
//   silences, silenceform     who is not told of what, and the form that makes a silence
//   onward                    from an alert to the board that shows what its rule looks at
//   hands, author             who has an alert in hand, and the name under which one says so
//   labels, matchers          how states and labels look; matchers as text and tried on labels
//   variables, macros         drop-downs of a board, and what its queries mean right now
//   frames, transform         an answer of InfluxQL as series or as a table, and its changes on the way to a panel
//   follow                    a live panel asks for its last windows only
//   fields                    units, limits and colours of a field, overrides included
//   annotations               alerts and deploys as marks on every time axis
//   grid                      panels on their grid: rows that fold, rows and panels repeated by a variable
//   panel, kinds/             the frame of every panel, and one file a panel kind (kinds/catalog.js)
//   kinds/chart               what charts over time share; kinds/axis, timeaxis, lines, pointer are its parts
//   links                     Grafana's links with their variables filled in

import { change, get } from "./api.js";
import { accountPage } from "./account.js";
import { alertsPage } from "./alerts.js";
import { boardPage } from "./board.js";
import { clear, el } from "./dom.js";
import { overviewPage } from "./overview.js";
import { repeat } from "./poll.js";
import { silencesPage } from "./silences.js";

const COUNT_EVERY_MS = 5000;

function route(path) {
  const board = path.match(/^\/boards\/([\w-]+)\/?$/);
  if (board) return (page) => boardPage(page, board[1]);
  const alert = path.match(/^\/alerts\/(\w+)\/?$/);
  if (alert) return (page) => accountPage(page, alert[1]);
  if (path.startsWith("/silences")) return silencesPage;
  if (path.startsWith("/alerts")) return alertsPage;
  return overviewPage;
}

async function navigation(top) {
  const badge = el("span", { class: "badge", hidden: true });
  const links = el("nav", { "aria-label": "Pages" });
  const add = (href, ...content) => {
    const here = location.pathname === href;
    links.append(el("a", { href, "aria-current": here ? "page" : null }, ...content));
  };
  add("/", "Overview");
  clear(top, el("a", { class: "brand", href: "/" }, el("img", { src: "/static/icon.svg", alt: "" }), "Tocsin"), links);
  try {
    for (const board of (await get("/api/boards")).boards) add(`/boards/${board.uid}`, board.title);
    links.addEventListener("click", keepTime);
  } catch (error) {
    console.error("boards", error);
  }
  add("/alerts", "Alerts", badge);
  add("/silences", "Silences");
  await who(top);
  const count = async () => {
    try {
      const { total } = await get("/api/alerting/alerts?state=firing&limit=1");
      badge.textContent = String(total.firing);
      badge.hidden = total.firing === 0;
    } catch {
      badge.hidden = true;
    }
  };
  await count();
  links.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  repeat(count, COUNT_EVERY_MS);
}

// Who has signed in, and the way out.
async function who(top) {
  const { name, signs_out: signsOut } = await get("/api/config").catch(() => ({}));
  if (!name) return;
  const leave = async () => {
    await change("DELETE", "/api/session");
    location.assign("/sign-in");
  };
  top.append(el("span", { class: "who" }, name, signsOut ? el("button", { type: "button", onclick: leave }, "Sign out") : null));
}

// From board to board the time range goes along, and what is picked: a variable that the next board lacks is ignored there.
function keepTime(event) {
  const link = event.target.closest("a[href^='/boards/']");
  const here = new URLSearchParams(location.search);
  const kept = [...here].filter(([name]) => name === "from" || name === "to" || name.startsWith("var-"));
  if (link && kept.length > 0) link.search = new URLSearchParams(kept).toString();
}

const page = document.getElementById("page");
navigation(document.getElementById("top"));
route(location.pathname)(page).catch((error) => clear(page, el("p", { class: "problem" }, String(error.message))));
