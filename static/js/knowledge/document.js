// Chunks beside the paper: the marked chunk is in view on both sides, and a click on one marks both.

const INTERACTIVE = "a, button, input, textarea, select, label, summary, form";

function bringIntoView(item) {
  const pane = item?.closest(".scroll");
  if (!pane || pane.scrollHeight <= pane.clientHeight) return;
  const top = item.getBoundingClientRect().top - pane.getBoundingClientRect().top;
  if (top < 0 || top + item.offsetHeight > pane.clientHeight) pane.scrollTop += top - pane.clientHeight / 3;
}

function mark(id, from) {
  for (const item of document.querySelectorAll("[data-chunk]")) {
    const isOpen = item.dataset.chunk === id;
    if (item.classList.contains("area")) item.classList.toggle("is-open", isOpen);
    if (isOpen) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
    if (isOpen && item !== from) bringIntoView(item);
  }
}

document.addEventListener("click", (event) => {
  const item = event.target.closest("[data-chunk]");
  const number = event.target.closest(".area-n, .chunk-n");
  if (!item || (!number && event.target.closest(INTERACTIVE)) || event.ctrlKey || event.metaKey) return;
  if (!number && String(getSelection())) return; // somebody copies words
  const id = item.dataset.chunk;
  const other = [...document.querySelectorAll(`[data-chunk="${id}"]`)].some((one) => one !== item);
  if (!other) {
    if (!number) location.assign(item.querySelector(".area-n, .chunk-n").href); // it is on another page
    return;
  }
  event.preventDefault();
  mark(id, item);
  const address = new URL(location.href);
  address.searchParams.delete("edit");
  address.searchParams.set("chunk", id);
  address.hash = "";
  history.replaceState(null, "", address);
});

// A chunk that was changed is drawn anew: the focus stays with what was used, and its place is marked.
document.body.addEventListener("htmx:afterSwap", (event) => {
  const card = event.detail.elt;
  if (!card?.matches?.(".chunk")) return; // counts come by themselves and take no focus
  mark(card.dataset.chunk, card);
  const field = card.querySelector("textarea");
  (field ?? card.querySelector(".switch"))?.focus({ preventScroll: true });
});

for (const item of document.querySelectorAll("[aria-current][data-chunk]")) bringIntoView(item);
