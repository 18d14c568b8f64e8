/* Copy an answer or a piece of code, and say that it worked. Loaded on first use. */

/** Copy an answer as text: numbers of sources without their pages, code without its buttons. */
export function answer(button, article, words) {
  const copy = article.querySelector(".prose").cloneNode(true);
  for (const chip of copy.querySelectorAll("a.cite")) chip.replaceWith(` [${chip.dataset.n}]`);
  for (const extra of copy.querySelectorAll(".code-head, annotation")) extra.remove();
  write(button, asText(copy), words);
}

export function code(button, words) {
  write(button, button.closest(".code").querySelector("pre").textContent, words);
}

/** Copy any text; also used by the evidence panel. */
export async function write(button, text, words) {
  const worked = await toClipboard(text);
  const label = button.querySelector("[data-text]") || button;
  const before = label === button ? button.ariaLabel : label.textContent;
  const set = (value) => (label === button ? (button.ariaLabel = button.title = value) : (label.textContent = value));
  button.classList.toggle("is-done", worked);
  set(words.t(worked ? "copied" : "not_copied"));
  setTimeout(() => {
    button.classList.remove("is-done");
    set(before);
  }, 1600);
}

/* innerText needs a place in the page to know line breaks. */
function asText(el) {
  el.classList.add("sr");
  document.body.append(el);
  const text = el.innerText.replace(/\u2060/g, "").trim();
  el.remove();
  return text;
}

async function toClipboard(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(() => true, () => false);
  }
  const box = document.createElement("textarea"); // plain http on a LAN has no clipboard object
  box.className = "sr";
  box.value = text;
  document.body.append(box);
  box.select();
  const worked = document.execCommand("copy");
  box.remove();
  return worked;
}
