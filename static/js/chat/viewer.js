/* An image of a question in its full size, over the page; Esc leads back to where it was opened. */

let dialog = null;
let shown = []; // the links of one question
let at = 0;

/** Show the image behind a link; the arrow keys and buttons lead to the others of its question. */
export function open(link, parts) {
  dialog ??= make(parts);
  shown = [...link.parentElement.children];
  draw(shown.indexOf(link));
  dialog.showModal();
}

const part = (name) => dialog.querySelector(`[data-part="${name}"]`);

function make(parts) {
  const el = parts("viewer");
  document.body.append(el);
  el.addEventListener("click", (event) => event.target === el && el.close()); // beside the image
  el.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) draw(at + (getComputedStyle(el).direction === "rtl" ? -step : step));
  });
  el.querySelector("[data-part=earlier]").addEventListener("click", () => draw(at - 1));
  el.querySelector("[data-part=later]").addEventListener("click", () => draw(at + 1));
  return el;
}

function draw(number) {
  if (!shown[number]) return;
  at = number;
  const { href, firstElementChild: small } = shown[at];
  const [width, height] = ["width", "height"].map((name) => Number(small.getAttribute(name)));
  part("image").replaceChildren(Object.assign(new Image(width, height), { alt: small.alt, src: href }));
  part("name").textContent = small.alt;
  part("full").href = href;
  part("steps").hidden = shown.length < 2;
  const [earlier, later] = [part("earlier"), part("later")];
  const hadFocus = dialog.contains(document.activeElement);
  earlier.disabled = at === 0;
  later.disabled = at === shown.length - 1;
  if (hadFocus && document.activeElement.disabled) (at ? earlier : later).focus(); // else the arrow keys are lost
}
