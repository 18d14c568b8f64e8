/* Where the reader writes: keys, drafts that survive a reload, send that turns into stop.
   Images are uploaded elsewhere (attachments.js); here they wait for their question. */

const RESEND_WITHIN_MS = 10 * 60_000;

/** Make an id nobody else makes; plain http on a LAN has no crypto.randomUUID. */
export function newClientId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Run the form. `on` is told: send(text, clientId, images), stop(), images(images) to be drawn, and
    hold(status) when images keep a question back; `place` names what drafts belong to. */
export function createComposer({ form, words, limit, place, on }) {
  const box = form.querySelector("textarea");
  const button = form.querySelector(".send");
  const hint = form.querySelector("[data-part=limit]");
  const draft = createStore("draft");
  const unsent = createStore("unsent");
  const pinned = createStore("images");
  let images = []; // uploaded, for the next question
  let uploads = "ready"; // or "busy", "failed"
  let isDue = false; // sent by the reader; goes out when the images are there
  let isRunning = false;
  let isWaiting = false;
  let timer = 0;

  const length = () => Array.from(box.value.trim()).length;
  const isSendable = () => !isRunning && !isWaiting && box.value.trim() && length() <= limit;

  function update() {
    const isTooLong = box.value.length > limit && length() > limit;
    hint.hidden = !isTooLong;
    if (isTooLong) hint.textContent = words.n("too_long", length() - limit);
    box.setAttribute("aria-invalid", String(isTooLong));
    button.disabled = !isRunning && (isDue || !isSendable());
    button.classList.toggle("send-stop", isRunning);
    button.classList.toggle("is-due", isDue);
    button.ariaLabel = words.t(isRunning ? "stop" : isDue ? "send_due" : "send");
    button.title = button.ariaLabel;
  }

  /* What the reader sends waits for images under way; one that failed is the reader's to decide about. */
  function send(text = box.value.trim()) {
    isDue = uploads === "busy";
    if (uploads !== "ready") {
      box.value = text;
      update();
      return on.hold(uploads);
    }
    const clientId = newClientId();
    const sent = images;
    unsent.write(place, { text, clientId, images: sent, at: Date.now() });
    box.value = "";
    keep();
    pin([]);
    on.images([]);
    return on.send(text, clientId, sent);
  }

  function pin(newImages) {
    images = newImages;
    if (images.length) pinned.write(place, images);
    else pinned.remove(place);
  }

  /* Bring images back to the field, before those that were added since. */
  function unpack(back = []) {
    const old = new Set(images.map((image) => image.id));
    pin([...back.filter((image) => !old.has(image.id)), ...images]);
    if (images.length) on.images(images);
  }

  function keep() {
    clearTimeout(timer);
    timer = 0;
    if (box.value) draft.write(place, box.value);
    else draft.remove(place);
  }

  box.addEventListener("input", () => {
    timer ||= setTimeout(keep, 250);
    update();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (isSendable() && !isDue) send();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isRunning) on.stop();
    else if (isSendable() && !isDue) send();
    box.focus();
  });
  addEventListener("pagehide", keep);

  return {
    box,
    images: () => images,
    ask: (text) => isRunning || isWaiting || send(text),
    isBusy: () => isRunning || isWaiting,
    /** A reply is running; a message waits to be accepted. */
    setBusy(running, waiting) {
      if (running === isRunning && waiting === isWaiting) return;
      [isRunning, isWaiting] = [running, waiting];
      update();
    },
    /** The server has the message: nothing to keep any more. */
    accepted: (clientId) => unsent.read(place)?.clientId === clientId && unsent.remove(place),
    /** What the tray has: the images that are uploaded, and how the others stand. */
    setImages(newImages, newUploads) {
      pin(newImages);
      uploads = newUploads;
      const isReleased = isDue && uploads !== "busy";
      if (isReleased) isDue = false;
      if (isReleased && isSendable()) send();
      update();
    },
    /** The server refused the message: its text and its images come back. */
    giveBack(text, sent) {
      unsent.remove(place);
      if (text && !box.value) box.value = text;
      unpack(sent);
      keep();
      update();
    },
    /** A new chat has become a conversation. */
    moveTo(newPlace) {
      for (const store of [draft, unsent, pinned]) store.remove(place);
      place = newPlace;
      keep();
      pin(images);
    },
    /** Bring back what was there; what was sent but never accepted goes out again under the same id. */
    restore(knownClientIds) {
      const left = unsent.read(place);
      const isLeft = left && !knownClientIds.has(left.clientId);
      box.value = draft.read(place) || box.value;
      images = pinned.read(place) || [];
      if (isLeft && Date.now() - left.at < RESEND_WITHIN_MS) on.send(left.text, left.clientId, left.images || []);
      else {
        unsent.remove(place);
        if (isLeft && !box.value) box.value = left.text;
        if (isLeft) unpack(left.images);
      }
      if (images.length) on.images(images);
      update();
    },
  };
}

/* localStorage may be full or forbidden: then drafts only live as long as the page. */
function createStore(kind) {
  const memory = new Map();
  const attempt = (action) => {
    try {
      return action();
    } catch (error) {
      console.warn("The browser keeps no drafts:", error.name);
      return undefined;
    }
  };
  return {
    read(place) {
      const text = attempt(() => localStorage.getItem(`${kind}:${place}`)) ?? memory.get(place);
      return text ? JSON.parse(text) : null;
    },
    write(place, value) {
      memory.set(place, JSON.stringify(value));
      attempt(() => localStorage.setItem(`${kind}:${place}`, JSON.stringify(value)));
    },
    remove(place) {
      memory.delete(place);
      attempt(() => localStorage.removeItem(`${kind}:${place}`));
    },
  };
}
