/* The quote behind a citation, shown while the pointer or the focus is on it. Loaded on first use. */

import { marked, sourcesOf } from "./sources.js";
import { placeOf } from "./words.js";

let pop = null;
let owner = null;

/** Show what the chip's source says, beside the chip. */
export function show(chip, article, { parts, words }) {
  const source = sourcesOf(article).sources.find((one) => one.n === Number(chip.dataset.n));
  if (!source || chip === owner) return;
  pop ??= make(parts);
  owner = chip;
  pop.querySelector("h3").textContent = source.title;
  pop.querySelector(".paper-meta").textContent = placeOf(source, words);
  pop.querySelector(".quote").replaceChildren(...marked(source.best_sentence || source.excerpt, ""));
  if (!chip.isConnected || !chip.matches(":hover, :focus")) return hide();
  pop.hidden = false;
  settle(chip);
  for (const type of ["pointerleave", "blur", "click"]) chip.addEventListener(type, hide, { once: true });
}

function make(parts) {
  const el = parts("quote");
  document.body.append(el);
  addEventListener("scroll", hide, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  return el;
}

function hide() {
  owner = null;
  if (pop) pop.hidden = true;
}

/* Under the chip, above it where there is no room, never over the edge. */
function settle(chip) {
  const at = chip.getBoundingClientRect();
  const { width, height } = pop.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.left + at.width / 2 - width / 2), innerWidth - width - 8);
  const under = at.bottom + 8;
  pop.style.left = `${left}px`;
  pop.style.top = `${under + height > innerHeight - 8 ? Math.max(8, at.top - height - 8) : under}px`;
}
