/* The connection: JSON frames in and out, again and again until it works. Knows nothing of chats. */

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const PING_EVERY_MS = 25_000;
const SIGNED_OUT = 4401; // the server knows neither an account nor a guest
const ACK_EVERY = 50;
const ACK_AFTER_MS = 500;

/** Open a socket that reopens itself. `on` is told of frames and of "page.*" changes of the connection. */
export function createSocket(path, on) {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const url = `${scheme}//${location.host}${path}`;
  const acks = createAcks((frame) => send(frame));
  let socket = null;
  let failures = 0;
  let retry = 0;

  function connect() {
    clearTimeout(retry);
    if (socket && socket.readyState <= WebSocket.OPEN) return;
    on({ type: "page.connecting" });
    const opening = new WebSocket(url);
    socket = opening;
    opening.onopen = () => {
      failures = 0;
      on({ type: "page.open" });
    };
    opening.onmessage = ({ data }) => {
      const frame = parse(data);
      if (!frame) return;
      on(frame);
      acks.see(frame);
    };
    opening.onclose = ({ code }) => socket === opening && (code === SIGNED_OUT ? closed() : lost());
  }

  function closed() {
    socket = null;
    on({ type: "page.closed" });
  }

  function lost() {
    socket = null;
    if (!navigator.onLine) {
      on({ type: "page.offline" });
      return;
    }
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
    const delay = longest * (0.5 + Math.random() / 2); // jitter: not everybody at once
    failures += 1;
    retry = setTimeout(connect, delay);
    on({ type: "page.lost", retryAt: Date.now() + delay });
  }

  function drop() {
    const old = socket;
    socket = null;
    old?.close();
  }

  function send(frame) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  }

  addEventListener("online", connect);
  addEventListener("offline", () => {
    clearTimeout(retry);
    drop();
    on({ type: "page.offline" });
  });
  addEventListener("pageshow", (event) => event.persisted && connect());
  document.addEventListener("visibilitychange", () => document.hidden || connect());
  setInterval(() => send({ type: "ping" }), PING_EVERY_MS);
  connect();
  return { send, connect };
}

/* Tell the server how far the reader is: after 50 pieces or half a second, whichever comes first. */
function createAcks(send) {
  const reached = new Map();
  let count = 0;
  let timer = 0;

  function flush() {
    clearTimeout(timer);
    timer = 0;
    count = 0;
    for (const [message, seq] of reached) send({ type: "ack", message, seq });
    reached.clear();
  }

  function see(frame) {
    if (frame.type !== "reply.delta") return;
    reached.set(frame.message, Math.max(frame.seq, reached.get(frame.message) || 0));
    count += 1;
    if (count >= ACK_EVERY) flush();
    else if (!timer) timer = setTimeout(flush, ACK_AFTER_MS);
  }

  return { see };
}

function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    console.warn("A frame that is not JSON was left out.");
    return null;
  }
}
