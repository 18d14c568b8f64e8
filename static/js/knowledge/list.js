// Rows are replaced while documents are read: an open menu stays open, the focus stays where it was.

const FOCUSABLE = "a, button, summary";
const kept = new Map();

document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
  const row = event.detail.target;
  const isOpen = Boolean(row.querySelector("details[open]"));
  const place = [...row.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
  if (isOpen || place >= 0) kept.set(row.id, { isOpen, place });
});

document.body.addEventListener("htmx:oobAfterSwap", () => {
  for (const [id, { isOpen, place }] of kept) {
    const row = document.getElementById(id);
    const menu = row?.querySelector("details");
    if (menu) menu.open = isOpen;
    if (place >= 0) row?.querySelectorAll(FOCUSABLE)[place]?.focus();
  }
  kept.clear();
});
