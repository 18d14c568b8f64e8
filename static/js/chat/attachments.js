/* The images above the text field: read, uploaded, removed, brought back. Loaded on first use. */

import { kindOf, plainName } from "./images.js";
import { VideoRefused, framesOf, shrink, thumbnail } from "./pixels.js";
import { discard, upload } from "./upload.js";

const THUMBNAIL_PX = 96; // twice what is shown, for sharp screens
const MB = 1024 * 1024;

/** Run the tray. `onChange(images, status)` tells what is uploaded, and "ready", "busy" or "failed". */
export function createTray({ form, limits, parts, words, onChange, onDone }) {
  const part = (name) => form.querySelector(`[data-part="${name}"]`);
  const [list, note, said] = ["attachments", "attach-note", "attach-said"].map(part);
  const cards = new Map(); // element → card
  const inOrder = () => [...list.children].map((el) => cards.get(el));

  const statusOf = () => {
    const has = (state) => inOrder().some((card) => card.state === state);
    return has("busy") ? "busy" : has("failed") ? "failed" : "ready";
  };
  const images = () => inOrder().filter((card) => card.state === "done").map((card) => card.image);
  const free = () => limits.maxImages - cards.size;

  function changed() {
    list.hidden = !cards.size;
    onChange(images(), statusOf());
  }

  /** Say in place why something was not added; no sentence takes the last one away. */
  function say(...sentences) {
    note.hidden = !sentences.length;
    note.querySelector("[data-text]").textContent = [...new Set(sentences)].join(" ");
  }

  /** Attach files: what cannot be attached is told at once, the rest is read and sent. */
  async function take(files) {
    say();
    if (!limits.seesImages) return say(words.t("attach_text_only"));
    const refused = [];
    const refuse = (sentence) => {
      refused.push(sentence);
      say(...refused);
    };
    const jobs = [];
    for (const file of files) {
      const kind = kindOf(file.type);
      if (!kind) refuse(words.t("attach_type", { name: plainName(file.name) }));
      else if (free() < 1) refuse(words.n("attach_many", limits.maxImages));
      else jobs.push(add(file, kind, refuse));
    }
    changed();
    await Promise.all(jobs);
  }

  function add(file, kind, refuse) {
    const card = make(plainName(file.name));
    return kind === "video" ? addVideo(card, file, refuse) : addImage(card, file, kind, refuse);
  }

  async function addImage(card, file, kind, refuse) {
    const blob = await shrink(file, kind);
    if (!cards.has(card.el)) return; // removed meanwhile
    if (!blob) {
      drop(card);
      refuse(words.t("attach_type", { name: card.name }));
    } else if (blob.size > limits.maxBytes) {
      drop(card);
      refuse(words.t("attach_large", { name: card.name, size: Math.round((limits.maxBytes / MB) * 10) / 10 }));
    } else await send(card, blob);
  }

  async function addVideo(card, file, refuse) {
    card.say(words.t("video_reading"));
    try {
      const frames = await framesOf(file, free() + 1);
      if (!cards.has(card.el)) return;
      const made = frames.map(({ name, blob }) => [make(name, card.el), blob]);
      drop(card);
      await Promise.all(made.map(([one, blob]) => send(one, blob)));
    } catch (error) {
      drop(card);
      if (!(error instanceof VideoRefused)) throw error;
      refuse(words.t(error.reason, { name: card.name }));
    }
  }

  async function send(card, blob) {
    card.blob = blob;
    card.state = "busy";
    card.fail("");
    changed();
    void thumbnail(blob, card.canvas, THUMBNAIL_PX).then((isShown) => (card.canvas.hidden = !isShown));
    card.job = upload(limits.url, blob, card.name, card.progress);
    const { image, error, isStale, isLost, mayRetry } = await card.job.done;
    if (!cards.has(card.el)) return image && discard(image);
    card.isLost = Boolean(isLost);
    if (image) finish(card, image);
    else {
      card.state = "failed";
      card.fail(error || words.t(isStale ? "closed" : "upload_lost").replaceAll("**", ""), mayRetry);
      card.el.scrollIntoView({ block: "nearest" });
    }
    changed();
  }

  function finish(card, image) {
    card.state = "done";
    card.image = image;
    card.rest();
    said.textContent = words.n("attached", images().length);
  }

  function make(name, before = null) {
    const card = createCard(parts("attachment"), name, words);
    cards.set(card.el, card);
    if (before) before.before(card.el);
    else list.append(card.el);
    card.on("remove", () => {
      const { image } = card;
      drop(card);
      if (image) discard(image);
      say();
      onDone();
    });
    card.on("retry", () => {
      say();
      onDone();
      return send(card, card.blob);
    });
    return card;
  }

  function drop(card) {
    cards.delete(card.el);
    card.job?.abort();
    card.el.remove();
    changed();
  }

  /** Show images that the server has: a draft's, or those of a question that was refused. */
  function show(uploaded) {
    for (const image of uploaded) {
      if (inOrder().some((card) => card.image?.id === image.id)) continue;
      const card = make(image.name);
      finish(card, image);
      card.picture(image.url, () => {
        drop(card);
        say(words.t("attach_gone", { name: image.name }));
      });
    }
    changed();
  }

  /** The question is on its way: its images belong to it now. */
  function clear() {
    cards.clear();
    list.replaceChildren();
    said.textContent = "";
    say();
    changed();
  }

  addEventListener("online", () => {
    const lost = inOrder().filter((card) => card.state === "failed" && card.isLost);
    if (lost.length) say();
    for (const card of lost) void send(card, card.blob);
  });
  note.querySelector("button").addEventListener("click", () => {
    say();
    onDone();
  });
  return { take, show, clear, say };
}

/* One card: a small picture, its name, how far it is, and what can be done. */
function createCard(el, name, words) {
  const part = (key) => el.querySelector(`[data-part="${key}"]`);
  const [canvas, bar, text, retry, remove] = ["thumb", "progress", "text", "retry", "remove"].map(part);
  part("name").textContent = name;
  bar.ariaLabel = words.t("uploading", { name });
  remove.ariaLabel = remove.title = words.t("remove_image", { name });
  retry.ariaLabel = words.t("upload_again", { name });
  return {
    el, name, canvas, state: "busy", image: null, blob: null, job: null, isLost: false,
    on: (key, action) => part(key).addEventListener("click", action),
    progress: (share) => (share < 1 ? (bar.value = share) : bar.removeAttribute("value")), // the server looks at it now
    say(sentence) {
      text.hidden = !sentence;
      text.textContent = sentence;
    },
    /** Show a failure, or with no sentence that it is on its way. */
    fail(sentence, mayRetry = true) {
      el.classList.toggle("is-failed", Boolean(sentence));
      bar.hidden = Boolean(sentence);
      bar.removeAttribute("value");
      retry.hidden = !sentence || !mayRetry;
      this.say(sentence);
    },
    rest() {
      el.classList.remove("is-failed");
      bar.hidden = retry.hidden = true;
      this.say("");
    },
    picture(url, onGone) {
      const img = new Image();
      img.alt = "";
      img.addEventListener("error", onGone, { once: true });
      img.src = url;
      canvas.replaceWith(img);
    },
  };
}
