/* Where the reader writes: keys, drafts that survive a reload, send that turns into stop. */

const RESEND_WITHIN_MS = 10 * 60_000;

/** Make an id nobody else makes; plain http on a LAN has no crypto.randomUUID. */
export function newClientId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Run the form. `onSend(text, clientId)` and `onStop()` are called; `place` names what drafts belong to. */
export function createComposer({ form, words, limit, place, onSend, onStop }) {
  const box = form.querySelector("textarea");
  const button = form.querySelector(".send");
  const hint = form.querySelector("[data-part=limit]");
  const draft = createStore("draft");
  const unsent = createStore("unsent");
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
    button.disabled = !isRunning && !isSendable();
    button.classList.toggle("send-stop", isRunning);
    button.ariaLabel = words.t(isRunning ? "stop" : "send");
    button.title = button.ariaLabel;
  }

  function send(text = box.value.trim()) {
    const clientId = newClientId();
    unsent.write(place, { text, clientId, at: Date.now() });
    box.value = "";
    keep();
    onSend(text, clientId);
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
    if (isSendable()) send();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (isRunning) onStop();
    else if (isSendable()) send();
    box.focus();
  });
  addEventListener("pagehide", keep);

  return {
    box,
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
    /** The server refused the message: its text comes back. */
    giveBack(text) {
      unsent.remove(place);
      if (text && !box.value) box.value = text;
      keep();
      update();
    },
    /** A new chat has become a conversation. */
    moveTo(newPlace) {
      draft.remove(place);
      unsent.remove(place);
      place = newPlace;
      keep();
    },
    /** Bring back what was there; what was sent but never accepted goes out again under the same id. */
    restore(knownClientIds) {
      const left = unsent.read(place);
      const isDue = left && !knownClientIds.has(left.clientId);
      box.value = draft.read(place) || box.value;
      if (isDue && Date.now() - left.at < RESEND_WITHIN_MS) onSend(left.text, left.clientId);
      else {
        unsent.remove(place);
        if (isDue && !box.value) box.value = left.text;
      }
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
