// Uploads with progress: dropped or chosen files are sent one after another, each with its own line.
// Without this module the form sends them all with its button.

const form = document.querySelector("form[data-upload]");
const waiting = [];
let isSending = false;
let isFirst = true; // of what is dropped together: its refusals begin a new list

function addLine(file) {
  const line = document.createElement("li");
  const name = document.createElement("bdi");
  const progress = document.createElement("progress");
  const note = document.createElement("span");
  name.textContent = file.name;
  progress.max = 100;
  progress.value = 0;
  progress.className = "is-slim";
  progress.setAttribute("aria-label", file.name);
  note.className = "tiny muted";
  note.textContent = form.dataset.waiting;
  line.append(name, progress, note);
  const list = form.querySelector("[data-uploads]");
  list.hidden = false;
  list.append(line);
  return { line, progress, note };
}

function end(entry, text, isRefused) {
  entry.progress.remove();
  entry.note.textContent = text;
  entry.note.className = isRefused ? "tiny t-none" : "tiny t-ok";
  if (isRefused) entry.line.dataset.refused = "";
}

function send(entry) {
  return new Promise((resolve) => {
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
    body.append("collection", form.elements.collection.value);
    if (isFirst) body.append("is_first", "1");
    isFirst = false;
    body.append("files", entry.file);
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) entry.progress.value = (100 * event.loaded) / event.total;
    });
    request.addEventListener("loadend", () => {
      if (request.responseURL.includes("/accounts/login/")) {
        end(entry, form.dataset.signedOut, true);
        resolve();
        return;
      }
      const answer = request.response;
      const error = answer?.files?.[0] ? answer.files[0].error?.message : answer?.error || form.dataset.lost;
      end(entry, error || form.dataset.added, Boolean(error));
      resolve();
    });
    entry.note.textContent = form.dataset.sending;
    request.send(body);
  });
}

// Draw the list again as the server has it, with its polling; the lines of this upload stay.
async function refresh() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of ["tabs", "documents", "poll"]) {
    const fresh = page.getElementById(id);
    const old = document.getElementById(id);
    if (fresh && old) {
      old.replaceWith(document.adoptNode(fresh));
      window.htmx?.process(fresh);
      document.dispatchEvent(new Event("list:drawn"));
    }
  }
}

async function sendAll() {
  if (isSending) return;
  isSending = true;
  isFirst = true;
  while (waiting.length) {
    await send(waiting.shift());
    await refresh();
  }
  isSending = false;
}

function take(files) {
  const limit = Number(form.dataset.limitMb) * 1024 * 1024;
  for (const file of files) {
    const entry = { file, ...addLine(file) };
    if (file.size > limit) end(entry, form.dataset.tooLarge, true);
    else waiting.push(entry);
  }
  sendAll();
}

function start() {
  const input = form.elements.files;
  form.querySelector("[data-send]").hidden = true;
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const opener of document.querySelectorAll("[data-choose-files]")) {
    opener.addEventListener("click", (event) => {
      event.preventDefault();
      input.click();
    });
  }
  const page = document.getElementById("main");
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  page.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    form.classList.add("is-over");
  });
  page.addEventListener("dragleave", (event) => {
    if (!page.contains(event.relatedTarget)) form.classList.remove("is-over");
  });
  page.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    form.classList.remove("is-over");
    take([...event.dataTransfer.files].filter((file) => file.name));
  });
}

if (form) start();
