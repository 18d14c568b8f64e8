/* One image on its way to the server, with its progress; and an image nobody wants any more. */

/* The same token that htmx sends; the body carries it. */
const csrf = () => JSON.parse(document.body.getAttribute("hx-headers"));

/** Send an image. Returns { done, abort }; `done` gives { image } or { error, isStale, isLost, mayRetry },
    and never fails. isStale: somebody signed in or out since the page was opened. */
export function upload(url, blob, name, onProgress) {
  const request = new XMLHttpRequest();
  let isSent = false; // the server keeps it then: only with its answer can it be discarded
  const done = new Promise((resolve) => {
    request.open("POST", url);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    for (const [header, value] of Object.entries(csrf())) request.setRequestHeader(header, value);
    request.upload.addEventListener("progress", ({ lengthComputable, loaded, total }) => {
      if (lengthComputable) onProgress(loaded / total);
    });
    request.upload.addEventListener("load", () => (isSent = true));
    request.addEventListener("loadend", () => {
      const answer = request.response;
      if (request.status === 201 && answer?.id) resolve({ image: answer });
      else resolve({ error: answer?.user_message || "", isStale: request.status === 403, ...hopes(request.status) });
    });
    const body = new FormData();
    body.append("file", blob, name);
    request.send(body);
  });
  return { done, abort: () => isSent || request.abort() };
}

/* 0: nothing came back. */
const hopes = (status) => ({ isLost: status === 0, mayRetry: status === 0 || status === 429 || status >= 500 });

/** Tell the server that an image will not be sent; if that does not arrive, the server clears up by itself. */
export function discard(image) {
  fetch(image.url, { method: "DELETE", headers: csrf(), keepalive: true })
    .catch((error) => console.warn("An image was not removed:", error.message));
}
