/* The evidence panel: the sentence being checked, and the page it comes from. Loaded on first use.
   Beside the thread on a wide screen, a sheet over it on a phone. */

import { write } from "./copy.js";
import { marked, sourcesOf } from "./sources.js";
import { placeOf } from "./words.js";

const app = document.querySelector(".app");
const phone = matchMedia("(max-width: 900px)");
let panel = null;
let scrim = null;
let words = null;
let parts = null;
let shown = null; // { article, chips, at, chip, n, opener }

const part = (name) => panel.querySelector(`[data-part="${name}"]`);

/** Open at a citation, or at an answer's first source. */
export function open(article, chip, tools) {
  ({ parts, words } = tools);
  if (!panel) build();
  const chips = [...article.querySelectorAll("a.cite")];
  const { sources } = sourcesOf(article);
  if (!sources.length) return;
  const start = chip || chips[0] || null;
  unmark();
  shown = { article, sources, chips, opener: document.activeElement, chip: start };
  lay();
  draw(start ? Number(start.dataset.n) : sources[0].n);
  part("close").focus({ preventScroll: true });
}

function build() {
  panel = parts("evidence");
  scrim = parts("scrim");
  app.append(panel);
  scrim.addEventListener("click", close);
  part("close").addEventListener("click", close);
  part("earlier").addEventListener("click", () => step(-1));
  part("later").addEventListener("click", () => step(1));
  part("copy").addEventListener("click", (event) => write(event.currentTarget, current().excerpt, words));
  part("tabs").addEventListener("click", (event) => event.target.dataset.n && draw(Number(event.target.dataset.n)));
  part("tabs").addEventListener("keydown", moveTab);
  part("list").addEventListener("click", (event) => {
    const row = event.target.closest("[data-n]");
    if (row) draw(Number(row.dataset.n));
  });
  panel.addEventListener("keydown", onKey);
  phone.addEventListener("change", () => shown && lay());
}

function lay() {
  const isSheet = phone.matches;
  app.classList.toggle("no-side", isSheet);
  panel.hidden = false;
  panel.classList.toggle("is-sheet", isSheet);
  part("frame").role = isSheet ? "dialog" : "group";
  part("frame").ariaModal = isSheet ? "true" : null;
  if (isSheet) panel.before(scrim);
  else scrim.remove();
}

function close() {
  const { opener, chip } = shown;
  (opener?.isConnected ? opener : chip)?.focus({ preventScroll: true });
  unmark();
  shown = null;
  panel.hidden = true;
  scrim.remove();
  app.classList.add("no-side");
}

function unmark() {
  shown?.chip?.classList.remove("is-open");
}

const current = () => shown.sources.find((source) => source.n === shown.n);

/* To the chip before or after; the panel follows it. */
function step(by) {
  const at = shown.chips.indexOf(shown.chip) + by;
  const chip = shown.chips[at];
  if (!chip) return;
  unmark();
  shown.chip = chip;
  chip.scrollIntoView({ block: "nearest" });
  draw(Number(chip.dataset.n));
}

function draw(n) {
  shown.n = n;
  const source = current() || shown.sources[0];
  shown.n = source.n;
  drawChecking();
  drawTabs();
  part("title").textContent = source.title;
  part("heading").textContent = placeOf({ ...source, page: null }, words);
  part("page").textContent = source.page ? words.t("page", { page: String(source.page) }) : "";
  part("quote").replaceChildren(...paragraphs(source));
  const link = part("open");
  link.hidden = !source.url;
  link.href = source.url || "#";
  part("open-text").textContent = source.page
    ? words.t("open_page", { page: String(source.page) }) : words.t("open_document");
  drawList();
}

/* The sentence in the answer that the open chip stands behind. */
function drawChecking() {
  const { chip, chips, n } = shown;
  const isOpen = Boolean(chip) && Number(chip.dataset.n) === n;
  chip?.classList.toggle("is-open", isOpen);
  part("checking").hidden = !isOpen;
  part("earlier").hidden = part("later").hidden = part("count").hidden = chips.length < 2;
  if (!isOpen) return;
  const at = chips.indexOf(chip);
  part("sentence").textContent = sentenceBefore(chip);
  part("from").textContent = words.t("from_source", { n });
  part("count").textContent = words.t("n_of_m", { n: at + 1, m: chips.length });
  part("earlier").disabled = at === 0;
  part("later").disabled = at === chips.length - 1;
}

function sentenceBefore(chip) {
  const block = chip.closest("p, li, td, blockquote, h3, h4, dd") || chip.parentElement;
  const range = document.createRange();
  range.setStart(block, 0);
  range.setEndBefore(chip);
  const piece = range.cloneContents();
  for (const other of piece.querySelectorAll("a.cite")) other.remove();
  const text = piece.textContent.replaceAll("\u2060", "").trim();
  if (!Intl.Segmenter) return text;
  const sentences = [...new Intl.Segmenter(words.language, { granularity: "sentence" }).segment(text)];
  return sentences.at(-1)?.segment.trim() || text;
}

/* Mark what the answer quotes, where it does; else the sentence that answers best. */
function paragraphs({ excerpt, best_sentence: best }) {
  const quoted = part("checking").hidden ? "" : part("sentence").textContent;
  const sentence = quoted && excerpt.includes(quoted) ? quoted : best;
  return excerpt.split(/\n{2,}/).map((text) => {
    const p = document.createElement("p");
    p.dir = "auto";
    p.append(...marked(text, sentence));
    return p;
  });
}

const cited = () => new Set(shown.chips.map((chip) => Number(chip.dataset.n)));

function drawTabs() {
  const used = cited();
  part("tabs").replaceChildren(...shown.sources.map(({ n, title }) => {
    const tab = parts("tab");
    const isSelected = n === shown.n;
    tab.textContent = n;
    tab.dataset.n = n;
    tab.id = `evidence-tab-${n}`;
    tab.ariaLabel = `${n}: ${title}`;
    tab.setAttribute("aria-selected", String(isSelected));
    tab.tabIndex = isSelected ? 0 : -1;
    tab.classList.toggle("is-unused", !used.has(n));
    if (isSelected) part("paper").setAttribute("aria-labelledby", tab.id);
    return tab;
  }));
}

function moveTab(event) {
  const by = { ArrowRight: words.isRtl ? -1 : 1, ArrowLeft: words.isRtl ? 1 : -1 }[event.key];
  if (!by) return;
  const at = shown.sources.findIndex((source) => source.n === shown.n) + by;
  const next = shown.sources[(at + shown.sources.length) % shown.sources.length];
  draw(next.n);
  panel.querySelector(`#evidence-tab-${next.n}`).focus();
}

function drawList() {
  const used = cited();
  part("list").replaceChildren(...shown.sources.map((source) => {
    const row = parts("source");
    const place = placeOf(source, words);
    row.dataset.n = source.n;
    row.classList.toggle("is-unused", !used.has(source.n));
    row.querySelector(".source-n").textContent = source.n;
    row.querySelector(".source-title").textContent = source.title;
    row.querySelector(".source-sub").textContent = used.has(source.n)
      ? place : [place, words.t("not_cited")].filter(Boolean).join(" · ");
    return row;
  }));
}

/* Escape closes; on a phone the focus stays inside the sheet. */
function onKey(event) {
  if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    close();
  }
  if (event.key !== "Tab" || !phone.matches) return;
  const stops = [...panel.querySelectorAll("a[href], button")].filter((el) => el.offsetParent && el.tabIndex >= 0);
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement === edge) {
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0]).focus();
  }
}
