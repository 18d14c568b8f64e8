/* State → thread. Model text goes in by textContent; finished blocks come as HTML the server made safe. */

import { isRunning } from "./reducer.js";
import { placeOf } from "./words.js";

/** Draw into `thread`; `parts` clones a <template> of the page by name. */
export function createView({ thread, parts, words }) {
  const drawn = new Map(); // key → { el, … }: what stands in the thread
  for (const el of thread.querySelectorAll("[data-message]")) {
    drawn.set(el.dataset.message, el.dataset.role === "reply" ? adopt(el) : { el });
  }
  const end = thread.querySelector("[data-end]");

  function adopt(el) {
    const part = (name) => el.querySelector(`[data-part="${name}"]`);
    addCopyButtons(part("prose"));
    return { el, part, prose: part("prose"), blocks: new Map(), tail: null, reply: null };
  }

  function addCopyButtons(prose) {
    for (const head of prose.querySelectorAll(".code-head")) {
      if (!head.querySelector("button")) head.append(parts("copy-code"));
    }
  }

  /** Bring the thread in line with the state; false when nothing changed. */
  function render(state) {
    let hasChanged = drawItems(state);
    for (const item of state.items) {
      const reply = state.replies[item.key];
      const record = drawn.get(item.key);
      if (item.kind === "user") drawUser(record, item);
      else if (reply && record.reply !== reply) {
        drawReply(record, reply);
        hasChanged = true;
      }
    }
    return hasChanged;
  }

  let shown = null;
  function drawItems({ items }) {
    if (items === shown) return false;
    shown = items;
    const keys = new Set(items.map((item) => item.key));
    for (const [key, record] of drawn) {
      if (keys.has(key)) continue;
      record.el.remove();
      drawn.delete(key);
    }
    let next = thread.firstElementChild;
    for (const item of items) {
      if (!drawn.has(item.key)) drawn.set(item.key, make(item));
      const { el } = drawn.get(item.key);
      if (el === next) next = next.nextElementSibling;
      else thread.insertBefore(el, next || end);
    }
    return true;
  }

  function make(item) {
    const el = parts(item.kind === "user" ? "user" : "reply");
    if (item.kind !== "user") {
      el.dataset.message = item.id;
      return adopt(el);
    }
    el.append(...pictures(item.images || []), item.text);
    return { el };
  }

  /* The images of a question, above its text. */
  function pictures(images) {
    if (!images.length) return [];
    const box = parts("pictures");
    const mould = box.firstElementChild;
    box.replaceChildren(...images.map(({ url, name, width, height }) => {
      const link = mould.cloneNode(true);
      link.href = url;
      Object.assign(link.firstElementChild, { width, height, alt: name, src: url });
      return link;
    }));
    return [box];
  }

  function drawUser({ el }, item) {
    if (item.id && el.dataset.message !== item.id) {
      el.dataset.message = item.id;
      el.id = `m-${item.id}`;
    }
    if (item.text !== undefined) el.classList.toggle("is-unsent", !item.id);
  }

  function drawReply(record, reply) {
    const running = isRunning(reply);
    if (record.reply === null) start(record, reply);
    if (record.blocksOf !== reply.blocks) drawBlocks(record, reply);
    drawTail(record, reply, running);
    if (!running && (record.reply === null || isRunning(record.reply))) close(record, reply);
    record.reply = reply;
  }

  function start(record, reply) {
    record.el.dataset.message = reply.id;
    record.el.id = `m-${reply.id}`;
    record.prose.replaceChildren();
    record.tail = document.createElement("p");
    record.tail.className = "tail";
    record.tail.dir = "auto";
    record.tail.ariaHidden = "true"; // read out as finished blocks, not letter by letter
    record.text = document.createTextNode("");
    record.tail.append(record.text);
    record.prose.append(record.tail);
  }

  function drawBlocks(record, reply) {
    record.blocksOf = reply.blocks;
    const present = new Set(reply.blocks.map((one) => one.block));
    for (const [number, old] of record.blocks) {
      if (!present.has(number)) {
        old.nodes.forEach((node) => node.remove());
        record.blocks.delete(number);
      }
    }
    for (const one of reply.blocks) {
      const old = record.blocks.get(one.block);
      if (old?.html === one.html) continue;
      const mould = document.createElement("template");
      mould.innerHTML = one.html;
      const nodes = [...mould.content.childNodes];
      addCopyButtons(mould.content);
      if (old) old.nodes[0]?.before(...nodes);
      else record.tail.before(...nodes);
      old?.nodes.forEach((node) => node.remove());
      record.blocks.set(one.block, { html: one.html, nodes });
    }
  }

  function drawTail(record, reply, running) {
    const text = reply.text.slice(reply.tailAt).replace(/^\s+/, "");
    if (record.text.data !== text) record.text.data = text;
    record.tail.hidden = !text;
    record.tail.classList.toggle("cursor", running);
  }

  /* The reply is over: say how, and offer what can be done with it. */
  function close(record, reply) {
    const { finish, error } = reply;
    record.el.dataset.status = reply.status;
    record.el.dataset.engine = reply.finish?.engine || "";
    record.tail.ariaHidden = null;
    if (record.tail.hidden) record.tail.remove();
    const endings = [];
    if (error) endings.push(failure(error));
    else if (reply.status === "stopped") endings.push(parts("stopped"));
    else if (finish.finish_reason === "length") endings.push(parts("cut"));
    if (finish?.finish_reason === "no_answer" && finish.nearest?.length) endings.push(nearest(finish.nearest));
    if (reply.isShortened) endings.push(parts("shortened"));
    if (finish?.notice) endings.push(note(finish.notice));
    if (finish?.approved) endings.push(approved(finish.approved));
    record.part("ending").replaceChildren(...endings);
    record.part("foot").hidden = !reply.text;
    record.part("foot").querySelector("[data-do=again]").hidden = Boolean(finish?.approved);
    record.part("facts").textContent = facts(reply);
    const open = record.part("open-sources");
    if (open) open.hidden = !reply.sources.length || finish?.finish_reason === "no_answer";
    keepSources(record, reply);
  }

  function failure({ message, retryable }) {
    const box = parts("failed");
    box.querySelector("[data-text]").textContent = message;
    box.querySelector("[data-do=again]").hidden = !retryable;
    return box;
  }

  function note(text) {
    const box = parts("note");
    box.querySelector("[data-text]").textContent = text;
    return box;
  }

  function approved({ at }) {
    const box = parts("approved");
    const time = box.querySelector("time");
    time.dateTime = at;
    time.textContent = new Intl.DateTimeFormat(words.language, { dateStyle: "long" }).format(new Date(at));
    return box;
  }

  function nearest(documents) {
    const box = parts("nearest");
    const list = box.querySelector(".list-card");
    documents.forEach((document_, index) => {
      const row = parts("nearest-row");
      row.href = document_.url || "#";
      row.querySelector(".source-n").textContent = index + 1;
      row.querySelector(".source-title").textContent = document_.title;
      row.querySelector(".source-sub").textContent = placeOf(document_, words);
      list.append(row);
    });
    return box;
  }

  function facts({ sources, finish }) {
    const read = sources.length && !finish?.approved ? words.n("read", sources.length) : "";
    const seconds = finish?.timings?.total_s;
    const took = typeof seconds === "number" ? words.t("seconds", { n: Math.max(0.1, seconds).toFixed(1) }) : "";
    return [read, took].filter(Boolean).join(" · ");
  }

  function keepSources(record, reply) {
    const data = record.el.querySelector('script[type="application/json"]');
    data.textContent = JSON.stringify({ sources: reply.sources, citations: reply.finish?.citations || [] });
  }

  return { render };
}

/** Run one state line: icon, sentence (**bold** where it matters), at most one action. */
export function createLine(el, words) {
  const use = el.querySelector("use");
  const icons = use.getAttribute("href").split("#")[0];
  const text = el.querySelector("[data-text]");
  const extra = el.querySelector("[data-extra]");
  const action = el.querySelector("button");
  let shown = "";

  function show(line) {
    const key = line ? JSON.stringify(line) : "";
    if (key === shown) return;
    shown = key;
    el.classList.toggle("is-empty", !line);
    text.replaceChildren(...(line ? bold(line.text) : []));
    extra.replaceChildren();
    if (action) action.hidden = line?.action !== action.dataset.do;
    if (!line) return;
    use.setAttribute("href", `${icons}#${line.icon}`);
    use.parentElement.classList.toggle("spin", Boolean(line.isSpinning));
    extra.className = line.place ? "queue push" : "dots push";
    extra.hidden = !line.place && !line.isWaiting;
    const dots = line.isWaiting ? 3 : Math.min(line.place || 0, 8);
    for (let n = 0; n < dots; n += 1) extra.append(document.createElement("i"));
    if (line.place) extra.lastElementChild.className = "me";
  }

  return { show };
}

function bold(text) {
  return text.split("**").map((piece, index) => {
    if (index % 2 === 0) return document.createTextNode(piece);
    const b = document.createElement("b");
    b.textContent = piece;
    return b;
  });
}
