// Who has an alert in hand: the words about it, and the buttons that take it and give it back.

import { change } from "./api.js";
import { remember, remembered } from "./author.js";
import { el } from "./dom.js";
import { agoText, momentText } from "./time.js";

const OPEN = new Set(["firing", "no-data"]);

export function inHand({ acknowledged: one }) {
  if (!one) return null;
  const at = Date.parse(one.at);
  return el("p", { class: "in-hand" }, el("strong", {}, one.author), " has it (taken ", el("time", { datetime: one.at, title: momentText(at) }, agoText(at)), ")", one.comment ? `: ${one.comment}` : "");
}

// One for a page; it keeps what is being asked and typed while the page is drawn anew (`refresh`).
export class Hands {
  constructor({ no_changes: closed, name }, refresh) {
    this.mayChange = !closed;
    this.name = name;
    this.refresh = refresh;
    this.asked = null;
  }

  acts(alert) {
    if (!this.mayChange || !OPEN.has(alert.state)) return null;
    const key = `hand-${alert.id}`;
    if (this.asked?.id !== alert.id) return el("button", { type: "button", "data-key": key, onclick: () => this.#ask(alert) }, alert.acknowledged ? "Give back" : "Acknowledge");
    return this.asked.gives ? this.#sure(alert, key) : this.#form(alert);
  }

  async #ask(alert) {
    this.asked = { id: alert.id, gives: Boolean(alert.acknowledged), author: this.name ?? remembered(), comment: "", problem: "" };
    await this.refresh();
    document.querySelector(`[data-key="hand-${CSS.escape(this.asked.author ? "comment" : "author")}"]`)?.focus();
  }

  async #leave() {
    this.asked = null;
    await this.refresh();
  }

  async #send(method, alert, doc) {
    try {
      await change(method, `/api/alerting/alerts/${encodeURIComponent(alert.id)}/acknowledgement`, doc);
      this.asked = null;
    } catch (error) {
      if (this.asked) this.asked.problem = error.message;
    }
    await this.refresh();
  }

  #form(alert) {
    const { author, comment } = this.asked;
    const keep = ({ target }) => { this.asked[target.name] = target.value; };
    const send = (event) => {
      event.preventDefault();
      remember(this.asked.author);
      return this.#send("POST", alert, { author: this.asked.author, comment: this.asked.comment });
    };
    return el(
      "form",
      { class: "hand-form", "aria-label": "Acknowledge this alert", onsubmit: send },
      el("input", { name: "author", "aria-label": "Your name", placeholder: "your name", autocomplete: "name", required: true, maxlength: 1000, value: author, "data-key": "hand-author", oninput: keep }),
      el("input", { name: "comment", "aria-label": "Comment", placeholder: "what you are doing, if you like", maxlength: 1000, value: comment, "data-key": "hand-comment", oninput: keep }),
      el("button", { type: "submit", class: "primary", "data-key": "hand-take" }, "I have it"),
      el("button", { type: "button", "data-key": "hand-leave", onclick: () => this.#leave() }, "Not now"),
      this.#problem(),
    );
  }

  // Giving back asks once more, in place: people are paged again.
  #sure(alert, key) {
    return el(
      "span",
      { class: "hand-form", role: "group", "aria-label": "Give this alert back?" },
      "Nobody has it then, and people are told. ",
      el("button", { type: "button", class: "danger", "data-key": key, onclick: () => this.#send("DELETE", alert) }, "Give it back"),
      el("button", { type: "button", "data-key": "hand-leave", onclick: () => this.#leave() }, "Keep it"),
      this.#problem(),
    );
  }

  #problem() {
    return this.asked.problem ? el("span", { class: "problem", role: "alert" }, this.asked.problem) : null;
  }
}
