// What the pointer does on a chart: it tells the values where it stands, and a stretch that it drags over becomes the
// board's range. Fingers scroll the page; a tap tells the values.

import { clear, el } from "../dom.js";
import { momentText } from "../time.js";

const LEAST_DRAG_PX = 5;
const MOST_TOLD = 14;
const BESIDE_PX = 14;

export class Pointer {
  constructor(canvas) {
    this.canvas = canvas;
    this.cross = el("div", { class: "cross", hidden: true });
    this.stretch = el("div", { class: "stretch", hidden: true });
    this.words = el("div", { class: "told", hidden: true });
    this.view = null;
    this.start = null;
    canvas.append(this.cross, this.stretch, this.words);
    canvas.addEventListener("pointermove", (event) => this.#moved(event));
    canvas.addEventListener("pointerdown", (event) => this.#pressed(event));
    canvas.addEventListener("pointerup", (event) => this.#released(event));
    canvas.addEventListener("pointercancel", () => this.#gone());
    canvas.addEventListener("pointerleave", (event) => this.#left(event));
  }

  // `view`: {from, to, board, told} of the newest drawing.
  look(view) {
    this.view = view;
  }

  #pressed(event) {
    if (event.pointerType !== "mouse") return this.#moved(event);
    if (event.button !== 0 || !this.view || event.target.closest(".flag")) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.start = event.clientX;
    this.#hide();
  }

  #moved(event) {
    if (!this.view) return;
    const box = this.canvas.getBoundingClientRect();
    if (this.start === null) return this.#tell(event, box);
    const [left, right] = this.#stretched(event, box);
    this.stretch.hidden = false;
    this.stretch.style.left = `${left}px`;
    this.stretch.style.width = `${right - left}px`;
  }

  #released(event) {
    if (this.start === null) return;
    const box = this.canvas.getBoundingClientRect();
    const [left, right] = this.#stretched(event, box);
    const { from, to, board } = this.view;
    this.#gone();
    const moment = (pixels) => Math.round(from + (pixels / box.width) * (to - from));
    if (right - left >= LEAST_DRAG_PX) board.setRange(moment(left), moment(right));
  }

  // From where to where it was dragged, in pixels of the chart.
  #stretched(event, box) {
    const inside = (x) => Math.min(Math.max(x - box.left, 0), box.width);
    return [inside(this.start), inside(event.clientX)].sort((a, b) => a - b);
  }

  #tell(event, box) {
    const { from, to, told } = this.view;
    const found = told(from + ((event.clientX - box.left) / box.width) * (to - from), (event.clientY - box.top) / box.height);
    if (!found) return this.#hide();
    const more = found.rows.length - MOST_TOLD;
    const lines = found.rows.slice(0, MOST_TOLD).map(({ colour, name, text }) => el("li", {}, colour ? el("span", { class: "swatch", style: { "background-color": colour } }) : null, el("span", { class: "name" }, name), el("span", {}, text)));
    clear(this.words, el("p", {}, momentText(found.at)), el("ul", {}, ...lines), more > 0 ? el("p", {}, `and ${more} more`) : null);
    this.words.hidden = this.cross.hidden = false;
    this.cross.style.left = `${((found.at - from) / (to - from)) * 100}%`;
    this.#place(event);
  }

  // Beside the pointer, on the side that has room.
  #place({ clientX, clientY }) {
    const { offsetWidth: width, offsetHeight: height } = this.words;
    const left = clientX + BESIDE_PX + width > innerWidth ? clientX - BESIDE_PX - width : clientX + BESIDE_PX;
    this.words.style.left = `${Math.max(left, 0)}px`;
    this.words.style.top = `${Math.max(Math.min(clientY - height / 2, innerHeight - height), 0)}px`;
  }

  // A finger leaves as soon as it is lifted: what it tapped is told until another place is touched, or the page scrolls.
  #left(event) {
    if (event.pointerType === "mouse") return this.#gone();
    const over = new AbortController();
    const away = () => {
      over.abort();
      this.#gone();
    };
    for (const sign of ["pointerdown", "scroll"]) addEventListener(sign, away, { capture: true, signal: over.signal });
  }

  #gone() {
    this.start = null;
    this.stretch.hidden = true;
    this.#hide();
  }

  #hide() {
    this.words.hidden = this.cross.hidden = true;
  }
}
