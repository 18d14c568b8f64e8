/* The chat page: joins socket, state, view and composer. What is rarely needed loads on first use. */

import { createComposer, newClientId } from "./composer.js";
import { createState, reduce, runningReply, unsent } from "./reducer.js";
import { createScroll } from "./scroll.js";
import { createSocket } from "./socket.js";
import { createLine, createView } from "./view.js";
import { connectionLine, createWords, replyLine } from "./words.js";

const LOST_AFTER_MS = 1200; // a blink of the connection is not worth a word

const page = document.getElementById("main");
const { assistant, conversation, conversationUrl, documents, limit, owner } = page.dataset;
const words = createWords(JSON.parse(document.getElementById("chat-words").textContent));
const parts = (name) => document.getElementById(`t-${name}`).content.firstElementChild.cloneNode(true);
const part = (name) => page.querySelector(`[data-part="${name}"]`);
const thread = part("thread");
const drawnByServer = [...thread.querySelectorAll("[data-message]")];

const line = createLine(part("state"), words);
const connection = createLine(part("connection"), words);
const scroll = createScroll(part("scroller"), part("jump"));
const view = createView({ thread, parts, words });
const form = part("composer");
const chooser = form.querySelector("input[type=file]"); // none where nothing can be attached
const composer = createComposer({
  form,
  words,
  limit: Number(limit),
  place: `${owner}:${conversation || assistant}`,
  on: {
    send: (text, clientId, images) => {
      dispatch({ type: "page.send", text, clientId, images });
      scroll.toEnd();
    },
    stop,
    images: ({ length }) => (length ? withTray((one) => one.show(composer.images())) : tray?.clear()),
    hold: (status) => tray?.say(words.t(status === "busy" ? "send_due_long" : "upload_first")),
  },
});

let state = createState({
  conversation,
  assistant,
  items: drawnByServer.map(({ dataset }) => ({
    key: dataset.message, kind: dataset.role, running: dataset.status === "pending",
  })),
});
let openSince = Date.now();
let frame = 0;
let tray = null; // the attached images, once there is one

function dispatch(event) {
  const before = state;
  const next = reduce(state, event);
  state = next.state;
  for (const message of next.send) socket.send(message);
  if (state === before) return;
  follow(before);
  frame ||= requestAnimationFrame(draw);
}

/* What changes beside the thread. */
function follow(before) {
  composer.setBusy(Boolean(runningReply(state)), unsent(state));
  for (const clientId of Object.keys(before.outgoing)) {
    if (!state.outgoing[clientId] && !state.notice) composer.accepted(clientId);
  }
  if (state.notice && state.notice !== before.notice) composer.giveBack(state.notice.text, state.notice.images);
  if (state.conversation !== before.conversation) begin();
  if (state.connection !== before.connection) {
    if (state.connection.status === "open") openSince = 0;
    else if (!openSince) openSince = Date.now();
    setTimeout(drawLines, LOST_AFTER_MS);
  }
}

/* A new chat has got its conversation: its address, its place in the list. */
function begin() {
  const url = conversationUrl.replace("00000000-0000-0000-0000-000000000000", state.conversation);
  const question = state.items.find((item) => item.kind === "user")?.text || "";
  history.replaceState(null, "", url);
  composer.moveTo(`${owner}:${state.conversation}`);
  part("title").textContent = question;
  document.title = `${question} · ${document.title}`;
  load(() => import("./list.js"), (list) => list.add(url, question, parts));
}

function draw() {
  frame = 0;
  page.classList.toggle("is-new", !state.items.length);
  if (state.items.length) composer.box.placeholder = composer.box.dataset.followUp;
  const hasChanged = view.render(state);
  drawLines();
  const notice = part("notice");
  notice.hidden = !state.notice;
  notice.querySelector("[data-text]").textContent = state.notice?.message || "";
  if (hasChanged) scroll.follow();
}

/* One line at a time: how the answer stands, or why nothing can be said about it. */
function drawLines() {
  const isLate = Boolean(openSince) && Date.now() - openSince >= LOST_AFTER_MS;
  const reply = isLate ? null : runningReply(state);
  connection.show(isLate ? connectionLine(state.connection, words, Date.now(), unsent(state)) : null);
  line.show(reply && replyLine(reply, words, Number(documents)));
  page.classList.toggle("is-away", isLate);
}

function stop() {
  const reply = runningReply(state);
  if (reply) dispatch({ type: "page.cancel", message: reply.id });
}

/* A module that does not arrive (the connection is gone) is not an error of the page. */
function load(module, then, otherwise = () => {}) {
  module().then(then, (error) => {
    console.warn("Not loaded:", error.message);
    otherwise();
  });
}

function withTray(then) {
  const { attachUrl: url, maxImages, maxBytes, seesImages } = form.dataset;
  const limits = { url, maxImages: Number(maxImages), maxBytes: Number(maxBytes), seesImages: Boolean(seesImages) };
  load(() => import("./attachments.js"), ({ createTray }) => {
    tray ??= createTray({ form, limits, parts, words, onChange: composer.setImages, onDone: focusBox });
    then(tray);
  }, () => {
    part("attach-note").hidden = false;
    part("attach-note").querySelector("[data-text]").textContent = words.t("upload_lost");
  });
}

/* Files are copied at once: the lists of a chooser, a drop or a clipboard empty themselves. */
function attach(list) {
  const files = [...list];
  if (!files.length) return;
  withTray((one) => one.take(files));
  focusBox();
}

function focusBox() {
  if (!matchMedia("(pointer: coarse)").matches) composer.box.focus(); // on a phone that opens the keyboard
}

const answerOf = (el) => el.closest("[data-message]");
const chipOf = (event) => event.target.closest?.("a.cite");

const ACTIONS = {
  again: (el) => dispatch({ type: "page.again", message: answerOf(el).dataset.message, clientId: newClientId() }),
  ask: (el) => {
    composer.ask(el.dataset.text);
    focusBox();
  },
  focus: () => composer.box.focus(),
  attach: () => (form.dataset.seesImages ? chooser.click() : withTray((one) => one.take([]))),
  picture: (el) => load(() => import("./viewer.js"), (viewer) => viewer.open(el, parts)),
  retry: () => socket.connect(),
  copy: (el) => load(() => import("./copy.js"), (copy) => copy.answer(el, answerOf(el), words)),
  "copy-code": (el) => load(() => import("./copy.js"), (copy) => copy.code(el, words)),
  sources: (el) => load(() => import("./evidence.js"), (evidence) => evidence.open(answerOf(el), null, { parts, words })),
};

page.addEventListener("click", (event) => {
  const chip = chipOf(event);
  if (chip) {
    event.preventDefault();
    load(() => import("./evidence.js"), (evidence) => evidence.open(answerOf(chip), chip, { parts, words }));
    return;
  }
  const button = event.target.closest("[data-do]");
  if (!button || (button.href && (event.ctrlKey || event.metaKey || event.shiftKey))) return; // a tab of its own
  if (button.href) event.preventDefault();
  ACTIONS[button.dataset.do]?.(button);
});
for (const type of ["pointerover", "focusin"]) {
  thread.addEventListener(type, (event) => {
    const chip = chipOf(event);
    const isReturning = event.pointerType === "touch" || event.relatedTarget?.closest?.(".evidence");
    if (chip && !isReturning) load(() => import("./quote.js"), (quote) => quote.show(chip, answerOf(chip), { parts, words }));
  });
}
document.addEventListener("keydown", (event) => {
  const isTaken = event.defaultPrevented || event.isComposing || document.querySelector("dialog[open], :popover-open");
  if (event.key === "Escape" && !isTaken) stop();
});
if (chooser) {
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  const over = (isOver) => form.classList.toggle("is-over", isOver);
  chooser.addEventListener("change", () => {
    attach(chooser.files);
    chooser.value = "";
  });
  page.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    over(true);
  });
  page.addEventListener("dragleave", (event) => page.contains(event.relatedTarget) || over(false));
  page.addEventListener("drop", (event) => {
    over(false);
    if (!holdsFiles(event)) return;
    event.preventDefault();
    attach(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    const isElsewhere = event.target.closest?.("input, textarea, dialog") && event.target !== composer.box;
    const { files, types } = event.clipboardData;
    const isText = types.includes("text/plain") && types.includes("text/html"); // an office program adds a picture of it
    if (isElsewhere || isText || !files.length) return;
    event.preventDefault();
    attach(files);
  });
}
document.getElementById("conversations")?.addEventListener("focusin", (event) => {
  if (event.target.matches("[type=search]")) load(() => import("./list.js"), (list) => list.search(event.target));
});

const socket = createSocket(page.dataset.socket, dispatch);
composer.restore(new Set(drawnByServer.map(({ dataset }) => dataset.clientId)));
draw();
scroll.toEnd();
focusBox();
