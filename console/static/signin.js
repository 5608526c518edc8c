// The page in front of all others: a password, and back to where somebody wanted to go.

import { change } from "./api.js";

const form = document.querySelector("form");
const problem = form.querySelector("[role=alert]");

// Only paths of this console. `//elsewhere` would be another site, also where `/..//elsewhere` was resolved to it.
function destination() {
  const to = new URLSearchParams(location.search).get("to") ?? "/";
  const url = new URL(to, location.origin);
  const isOurs = url.origin === location.origin && url.protocol === location.protocol && !url.pathname.startsWith("//");
  return isOurs ? url.pathname + url.search : "/";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.hidden = true;
  try {
    await change("POST", "/api/session", { name: form.elements.name.value, password: form.elements.password.value });
    location.replace(destination());
  } catch (error) {
    problem.textContent = String(error.message);
    problem.hidden = false;
    form.elements.password.select();
  }
});
