// Choosing rows, and rows that are replaced while documents are read: an open menu stays open, a chosen
// row stays chosen, the focus stays where it was. Without this module the boxes and buttons are a plain form.

const FOCUSABLE = "a, button, summary, input";
const kept = new Map();
const boxes = () => [...document.querySelectorAll("#documents [data-select]")];

function tell() {
  const form = document.getElementById("bulk");
  if (!form) return;
  const chosen = boxes().filter((box) => box.checked).length;
  const everything = form.querySelector("[data-select-all]");
  const words = form.querySelector("[data-selected]");
  const page = document.querySelector("[data-select-page]");
  const text = chosen === 1 ? form.dataset.one : form.dataset.many.replace("%s", String(chosen));
  words.hidden = Boolean(everything?.checked);
  if (words.textContent !== text) words.textContent = text;
  form.querySelector("[data-clear]").hidden = false;
  page.hidden = false;
  page.checked = chosen > 0 && chosen === boxes().length;
  page.classList.toggle("is-mixed", chosen > 0 && !page.checked);
  page.indeterminate = chosen > 0 && !page.checked;
}

function choose(isChosen) {
  for (const box of boxes()) box.checked = isChosen;
  const everything = document.querySelector("#bulk [data-select-all]");
  if (everything) everything.checked = false;
  tell();
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-page]")) choose(event.target.checked);
  else if (event.target.matches("[data-select], [data-select-all]")) tell();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-clear]")) return;
  choose(false);
  document.querySelector("[data-select-page]").focus();
});

document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
  const row = event.detail.target;
  const isOpen = Boolean(row.querySelector("details[open]"));
  const isChosen = Boolean(row.querySelector("[data-select]:checked"));
  const place = [...row.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
  if (isOpen || isChosen || place >= 0) kept.set(row.id, { isOpen, isChosen, place });
});

document.body.addEventListener("htmx:oobAfterSwap", () => {
  for (const [id, { isOpen, isChosen, place }] of kept) {
    const row = document.getElementById(id);
    const menu = row?.querySelector("details");
    const box = row?.querySelector("[data-select]");
    if (menu) menu.open = isOpen;
    if (box) box.checked = isChosen;
    if (place >= 0) row?.querySelectorAll(FOCUSABLE)[place]?.focus();
  }
  kept.clear();
  tell();
});

document.addEventListener("list:drawn", tell);
tell();
