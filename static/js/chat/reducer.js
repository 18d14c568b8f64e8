/* What the page knows: (state, event) -> { state, send }. Pure: no DOM, no socket, no clock.
   Events are the server's frames (docs/protocol.md) and the page's own, which start with "page.".
   `send` lists frames that should go out; they are only made while the connection is open, because
   opening it makes everything that is still due again. */

const OVER = new Set(["done", "stopped", "failed"]);

export const isRunning = (reply) => Boolean(reply) && !OVER.has(reply.status);

export const runningReply = (state) =>
  [...state.items].reverse().map((item) => state.replies[item.key]).find(isRunning) || null;

export const unsent = (state) => Object.keys(state.outgoing).length > 0;

/** Make the first state. items: what the server has drawn, [{ key, kind, running }]. */
export function createState({ conversation = "", assistant = "", items = [] } = {}) {
  const replies = {};
  for (const item of items) {
    if (item.kind === "reply" && item.running) replies[item.key] = newReply(item.key);
  }
  return {
    conversation,
    assistant,
    items: items.map(({ key, kind }) => ({ key, kind, id: key })),
    replies,
    outgoing: {},
    connection: { status: "connecting", retryAt: 0 },
    notice: null,
  };
}

/* A block follows the delta that finished it, so its end is never beyond the text. */

/** Return the UTF-16 index that lies `count` code points after UTF-16 index `from`. */
export function advance(text, from, count) {
  let index = from;
  for (let left = count; left > 0 && index < text.length; left -= 1) {
    index += text.codePointAt(index) > 0xffff ? 2 : 1;
  }
  return index;
}

export function reduce(state, event) {
  const handler = HANDLERS[event.type];
  return handler ? handler(state, event) : { state, send: [] };
}

const HANDLERS = {
  "page.open": opened,
  "page.lost": (state, event) => connection(state, "lost", event.retryAt),
  "page.offline": (state) => connection(state, "offline", 0),
  "page.closed": (state) => connection(state, "closed", 0),
  "page.connecting": (state) => connection(state, "connecting", 0),
  "page.send": startTurn,
  "page.cancel": cancel,
  "page.again": regenerate,
  "turn.accepted": accepted,
  "reply.state": (state, event) =>
    change(state, event, (reply) => event.state === "context_shortened"
      ? { isShortened: true }
      : { stage: reply.text ? reply.stage : event.state, part: partOf(event), queue: null }),
  "reply.queued": (state, event) =>
    change(state, event, () => ({ stage: "queued", queue: { position: event.position, eta: event.eta_s } })),
  "reply.sources": (state, event) =>
    change(state, event, (reply) => ({
      stage: reply.text ? reply.stage : "reading", sources: event.sources, queue: null,
    })),
  "reply.delta": delta,
  "reply.block": block,
  "reply.snapshot": snapshot,
  "reply.finish": finish,
  "reply.error": (state, event) =>
    change(state, event, () => ({
      status: "failed", queue: null,
      error: { code: event.code, message: event.user_message, retryable: event.retryable !== false },
    })),
  error: refused,
};

function newReply(id) {
  return {
    id, status: "running", stage: "", part: null, isShortened: false, queue: null, seq: 0, text: "", blocks: [],
    tailAt: 0, tailPoint: 0, sources: [], finish: null, error: null, isResuming: false, isStopping: false,
  };
}

const partOf = ({ part, parts }) => (part && parts > 1 ? { part, parts } : null);

function change(state, event, fields) {
  const reply = state.replies[event.message];
  if (!isRunning(reply)) return { state, send: [] };
  return { state: withReply(state, { ...reply, ...fields(reply) }), send: [] };
}

const withReply = (state, reply) => ({ ...state, replies: { ...state.replies, [reply.id]: reply } });

const isOpen = (state) => state.connection.status === "open";

function connection(state, status, retryAt = 0) {
  return { state: { ...state, connection: { status, retryAt } }, send: [] };
}

/* --- the page's own events ------------------------------------------------------------- */

function opened(state) {
  const send = [];
  if (state.conversation) send.push({ type: "conversation.watch", conversation: state.conversation });
  const replies = { ...state.replies };
  for (const reply of Object.values(state.replies).filter(isRunning)) {
    send.push({ type: "turn.resume", message: reply.id, after: reply.seq });
    if (reply.isStopping) send.push({ type: "turn.cancel", message: reply.id });
    replies[reply.id] = { ...reply, isResuming: true };
  }
  for (const item of Object.values(state.outgoing)) send.push(item.frame(state.conversation));
  return { state: { ...state, replies, connection: { status: "open", retryAt: 0 } }, send };
}

function queueFrame(state, clientId, item) {
  const next = { ...state, notice: null, outgoing: { ...state.outgoing, [clientId]: item } };
  return { state: next, send: isOpen(state) ? [item.frame(state.conversation)] : [] };
}

function startTurn(state, { clientId, text, images = [] }) {
  if (state.outgoing[clientId]) return { state, send: [] };
  const { assistant } = state;
  const frame = (conversation) => ({
    type: "turn.start", text, client_id: clientId, ...(conversation ? { conversation } : { assistant }),
    ...(images.length ? { attachments: images.map((image) => image.id) } : {}),
  });
  const items = [...state.items, { key: `new-${clientId}`, kind: "user", id: "", text, images }];
  return queueFrame({ ...state, items }, clientId, { text, images, frame });
}

function regenerate(state, { clientId, message }) {
  if (runningReply(state) || unsent(state)) return { state, send: [] };
  const frame = () => ({ type: "turn.regenerate", message, client_id: clientId });
  return queueFrame(state, clientId, { text: "", images: [], frame });
}

function cancel(state, { message }) {
  const reply = state.replies[message];
  if (!isRunning(reply) || reply.isStopping) return { state, send: [] };
  const send = isOpen(state) ? [{ type: "turn.cancel", message }] : [];
  return { state: withReply(state, { ...reply, isStopping: true }), send };
}

/* --- the server's events --------------------------------------------------------------- */

function accepted(state, event) {
  const { [event.client_id]: _sent, ...outgoing } = state.outgoing;
  const next = { ...state, outgoing, conversation: state.conversation || event.conversation, notice: null };
  if (state.conversation && event.conversation !== state.conversation) return { state, send: [] };
  const isKnown = state.items.some((item) => item.id === event.message);
  if (isKnown) return { state: { ...next, items: withoutDraft(state.items, event.client_id) }, send: [] };
  const items = [...placeUser(state.items, event), { key: event.message, kind: "reply", id: event.message }];
  const replies = { ...state.replies, [event.message]: newReply(event.message) };
  return { state: { ...next, items, replies }, send: [] }; // the server streams what it accepts by itself
}

const withoutDraft = (items, clientId) => items.filter((item) => item.id || item.key !== `new-${clientId}`);

/* The reply follows its question; whatever followed there before is another branch now. */
function placeUser(items, event) {
  const at = items.findIndex((item) => item.id === event.user_message);
  if (at >= 0) return withoutDraft(items.slice(0, at + 1), event.client_id);
  const key = `new-${event.client_id}`;
  const { text, attachments: images = [] } = event;
  const place = (item) => ({ ...item, id: event.user_message, text, images });
  if (items.some((item) => item.key === key)) {
    return items.map((item) => (item.key === key ? place(item) : item));
  }
  const parent = items.findIndex((item) => event.parent && item.id === event.parent);
  const kept = parent >= 0 ? items.slice(0, parent + 1) : items;
  return [...kept, { key: event.user_message, kind: "user", id: event.user_message, text, images }];
}

const resume = (state, reply) => ({
  state: withReply(state, { ...reply, isResuming: true }),
  send: isOpen(state) ? [{ type: "turn.resume", message: reply.id, after: reply.seq }] : [],
});

function delta(state, event) {
  const reply = state.replies[event.message];
  if (!isRunning(reply) || event.seq <= reply.seq) return { state, send: [] };
  if (event.seq > reply.seq + 1) return reply.isResuming ? { state, send: [] } : resume(state, reply);
  const next = {
    ...reply, seq: event.seq, text: reply.text + event.text, stage: "writing", queue: null, isResuming: false,
  };
  return { state: withReply(state, withTail(next)), send: [] };
}

/* The tail begins where the finished blocks end: blocks count code points, strings UTF-16 units. */
function withTail(reply) {
  const end = reply.blocks.at(-1)?.end || 0;
  if (end <= reply.tailPoint) return reply;
  const tailAt = advance(reply.text, reply.tailAt, end - reply.tailPoint);
  return { ...reply, tailAt, tailPoint: end };
}

function block(state, event) {
  return change(state, event, (reply) => {
    const { block: number, start, end, html } = event;
    const old = reply.blocks.find((one) => one.block === number);
    if (old && old.html === html && old.end === end) return {};
    const blocks = [...reply.blocks.filter((one) => one.block !== number), { block: number, start, end, html }];
    blocks.sort((a, b) => a.block - b.block);
    return withTail({ ...reply, blocks });
  });
}

function snapshot(state, event) {
  return change(state, event, (reply) => withTail({
    ...reply, seq: event.seq, text: event.text, blocks: [...(event.blocks || [])].sort((a, b) => a.block - b.block),
    tailAt: 0, tailPoint: 0, isResuming: false,
    stage: event.text ? "writing" : reply.stage,
  }));
}

function finish(state, event) {
  const reply = state.replies[event.message];
  if (!isRunning(reply)) return { state, send: [] };
  const isBehind = event.text !== reply.text && event.seq > reply.seq;
  if (isBehind && !reply.isResuming) return resume(state, reply);
  const status = event.status || (event.finish_reason === "cancelled" ? "stopped" : "done");
  const isShorter = event.text !== reply.text && event.text.length < reply.tailAt;
  const text = isShorter ? { blocks: [], tailAt: 0, tailPoint: 0 } : {};
  const next = { ...reply, ...text, status, text: event.text, finish: event, queue: null, isResuming: false };
  return { state: withReply(state, withTail(next)), send: [] };
}

/* A refused send gives its text and its images back to the writer; not those it was refused for. */
function refused(state, event) {
  const { [event.client_id]: own, ...outgoing } = state.outgoing;
  const images = (own?.images || []).filter((image) => !event.gone?.includes(image.id));
  const notice = { message: event.user_message, code: event.code, text: own ? own.text : "", images };
  return { state: { ...state, outgoing, notice, items: withoutDraft(state.items, event.client_id) }, send: [] };
}
