// The keyboard: one letter an action, never while somebody types; `?` shows them all.

import { clear, el } from "./dom.js";

// `actions`: [[key, words, function]]
export function keyboard(actions) {
  const dialog = el("dialog", { class: "keys", "aria-label": "Keyboard" });
  const all = [...actions, ["?", "Show or hide this", () => (dialog.open ? dialog.close() : dialog.showModal())]];
  const rows = all.map(([key, words]) => el("tr", {}, el("th", { scope: "row" }, el("kbd", {}, key)), el("td", {}, words)));
  clear(dialog, el("h2", {}, "Keyboard"), el("table", {}, el("tbody", {}, ...rows)));
  document.body.append(dialog);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = all.find(([key]) => key === event.key)?.[2];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
