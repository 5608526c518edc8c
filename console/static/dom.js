// Elements without HTML text: whatever comes from data ends in textContent or an attribute, never in markup.

const SVG = "http://www.w3.org/2000/svg";

export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function clear(node, ...children) {
  node.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// `clear` for what is drawn again and again: whoever is in it with the keyboard stays where they were (by data-key, in a
// text at the same letter), and what was folded open stays open.
export function redraw(node, ...children) {
  const open = [...node.querySelectorAll("details[open][data-key]")].map((one) => one.dataset.key);
  const active = node.contains(document.activeElement) ? document.activeElement : null;
  const here = active?.dataset.key;
  const letters = typeof active?.selectionStart === "number" ? [active.selectionStart, active.selectionEnd] : null;
  clear(node, ...children);
  const keyed = (key) => node.querySelector(`[data-key="${CSS.escape(key)}"]`);
  for (const key of open) keyed(key)?.setAttribute("open", "");
  if (here !== undefined) keyed(here)?.focus();
  if (letters && here !== undefined) keyed(here)?.setSelectionRange?.(...letters);
  return node;
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, part] of Object.entries(value)) node.style.setProperty(key, part);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}
