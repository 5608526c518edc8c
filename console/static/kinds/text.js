// Words of guidance, and the headline over the panels that follow. Text stays text: no markup is read.

import { clear, el } from "../dom.js";

export function text(body, spec) {
  const paragraphs = String(spec.options?.content ?? "").split(/\n\s*\n/).filter(Boolean);
  clear(body, ...paragraphs.map((words) => el("p", {}, words.replace(/^#+\s*/, ""))));
  return { static: true };
}
