// The frame on every page: theme without a reload, menus that close, dialogs, toasts.
// Everything here also works as plain HTML forms and <details>, only less smoothly.

function setTheme(form, theme) {
  const root = document.documentElement;
  if (theme === "system") root.removeAttribute("data-theme");
  else root.dataset.theme = theme;
  const secure = location.protocol === "https:" ? "; secure" : "";
  const age = theme === "system" ? 0 : 31536000;
  document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax${secure}`;
  for (const button of document.querySelectorAll("[data-theme-switch] button")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-theme-switch]") && event.submitter) {
    event.preventDefault();
    setTheme(form, event.submitter.value);
  }
});

// A click beside an open menu, or Escape, closes it; Escape gives the focus back.
const openMenus = () => document.querySelectorAll("details.pop[open], details.phone-nav[open]");

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.dialog);
    if (dialog) {
      event.preventDefault();
      dialog.showModal();
    }
  }
  const closer = event.target.closest("[data-close]");
  if (closer) {
    const box = closer.closest(closer.dataset.close);
    if (box instanceof HTMLDialogElement) box.close();
    else box?.remove();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || document.querySelector("dialog[open]")) return; // the dialog closes, not what is behind it
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

for (const button of document.querySelectorAll(".toast [data-close]")) button.hidden = false;

// What a person asked for by htmx and did not get is said; polls that fail try again by themselves.
function tellFailure({ detail }, reason) {
  const mould = document.getElementById("t-failed");
  if (!mould || !detail.requestConfig?.triggeringEvent?.isTrusted || detail.shouldSwap) return;
  const toast = mould.content.cloneNode(true);
  toast.querySelector("span").textContent = mould.dataset[reason];
  document.querySelector(".toasts").replaceChildren(toast);
}

document.addEventListener("htmx:sendError", (event) => tellFailure(event, "lost"));
document.addEventListener("htmx:timeout", (event) => tellFailure(event, "lost"));
document.addEventListener("htmx:responseError", (event) => tellFailure(event, "refused"));
