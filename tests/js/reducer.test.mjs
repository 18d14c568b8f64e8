import assert from "node:assert/strict";
import { test } from "node:test";

import { advance, createState, isRunning, reduce, runningReply, unsent } from "./reducer.js";

const MESSAGE = "reply-1";
const ACCEPTED = {
  type: "turn.accepted", client_id: "c1", conversation: "talk", user_message: "question-1", message: MESSAGE,
  text: "How long?", parent: null,
};
const FINISH = { type: "reply.finish", message: MESSAGE, finish_reason: "stop", status: "done", citations: [], nearest: [] };

const delta = (seq, text) => ({ type: "reply.delta", message: MESSAGE, seq, text });

function run(state, ...events) {
  const sent = [];
  for (const event of events) {
    const next = reduce(state, event);
    state = next.state;
    sent.push(...next.send);
  }
  return { state, sent };
}

const open = (seed = {}) => run(createState({ assistant: "support", ...seed }), { type: "page.open" }).state;
const asked = () => run(open(), { type: "page.send", clientId: "c1", text: "How long?" }, ACCEPTED).state;

test("a question goes out once, with the assistant, and stands in the thread at once", () => {
  const { state, sent } = run(open(), { type: "page.send", clientId: "c1", text: "How long?" });

  assert.deepEqual(sent, [{ type: "turn.start", text: "How long?", client_id: "c1", assistant: "support" }]);
  assert.deepEqual(state.items.map(({ kind, text }) => [kind, text]), [["user", "How long?"]]);
  assert.equal(unsent(state), true);
});

test("a question asked offline goes out when the connection opens, with the same id", () => {
  const offline = run(createState({ assistant: "support" }), { type: "page.offline" }).state;

  const waiting = run(offline, { type: "page.send", clientId: "c1", text: "How long?" });
  const opened = run(waiting.state, { type: "page.open" });

  assert.deepEqual(waiting.sent, []);
  assert.deepEqual(opened.sent.map(({ type, client_id: id }) => [type, id]), [["turn.start", "c1"]]);
});

test("a question whose acceptance was lost is sent again under the same id, and stands once", () => {
  const sent = run(open(), { type: "page.send", clientId: "c1", text: "How long?" }).state;

  const again = run(sent, { type: "page.lost", retryAt: 1 }, { type: "page.open" });
  const { state } = run(again.state, ACCEPTED, ACCEPTED);

  assert.deepEqual(again.sent.map((frame) => frame.client_id), ["c1"]);
  assert.deepEqual(state.items.map((item) => item.id), ["question-1", MESSAGE]);
  assert.equal(unsent(state), false);
});

test("acceptance names the conversation, for the next question as well", () => {
  const { sent } = run(
    asked(), delta(1, "Two."), { ...FINISH, seq: 1, text: "Two." }, { type: "page.send", clientId: "c2", text: "And?" },
  );

  assert.deepEqual(sent, [{ type: "turn.start", text: "And?", client_id: "c2", conversation: "talk" }]);
});

test("deltas join in order and duplicates are dropped", () => {
  const { state, sent } = run(asked(), delta(1, "Two "), delta(1, "Two "), delta(2, "years."), delta(2, "years."));

  assert.equal(state.replies[MESSAGE].text, "Two years.");
  assert.equal(state.replies[MESSAGE].seq, 2);
  assert.deepEqual(sent, []);
});

test("a gap asks once for what is missing, and what comes meanwhile is dropped", () => {
  const { state, sent } = run(asked(), delta(1, "a"), delta(3, "c"), delta(4, "d"));
  const { state: whole } = run(state, delta(2, "b"), delta(3, "c"), delta(4, "d"));

  assert.deepEqual(sent, [{ type: "turn.resume", message: MESSAGE, after: 1 }]);
  assert.equal(state.replies[MESSAGE].text, "a");
  assert.equal(whole.replies[MESSAGE].text, "abcd");
});

test("a connection that comes back resumes a running reply where it stands", () => {
  const { sent } = run(asked(), delta(1, "a"), { type: "page.lost", retryAt: 1 }, { type: "page.open" });

  assert.deepEqual(sent, [
    { type: "conversation.watch", conversation: "talk" },
    { type: "turn.resume", message: MESSAGE, after: 1 },
  ]);
});

test("a reply that was pending when the page was drawn is resumed from its start", () => {
  const items = [{ key: "question-1", kind: "user" }, { key: MESSAGE, kind: "reply", running: true }];
  const { sent } = run(createState({ conversation: "talk", items }), { type: "page.open" });

  assert.deepEqual(sent.at(-1), { type: "turn.resume", message: MESSAGE, after: 0 });
});

test("the tail begins after the blocks, counted in code points", () => {
  const block = { type: "reply.block", message: MESSAGE, block: 0, start: 0, end: 5, html: "<p>🙂 aé</p>" };
  const { state } = run(asked(), delta(1, "🙂 aé\nrest"), block);

  const reply = state.replies[MESSAGE];
  assert.equal(reply.text.slice(reply.tailAt), "rest");
});

test("a block that comes again changes nothing", () => {
  const block = { type: "reply.block", message: MESSAGE, block: 0, start: 0, end: 1, html: "<p>a</p>" };
  const { state } = run(asked(), delta(1, "ab"), block);
  const { state: again } = run(state, block);

  assert.equal(again.replies[MESSAGE].blocks, state.replies[MESSAGE].blocks);
});

test("a snapshot stands in place of everything, and deltas go on from its seq", () => {
  const snapshot = { type: "reply.snapshot", message: MESSAGE, seq: 7, text: "anew", blocks: [], state: "writing" };
  const { state } = run(asked(), delta(1, "old"), snapshot, delta(8, "!"));

  assert.equal(state.replies[MESSAGE].text, "anew!");
  assert.equal(state.replies[MESSAGE].seq, 8);
});

test("a reply started again by another worker begins empty", () => {
  const snapshot = { type: "reply.snapshot", message: MESSAGE, seq: 1, text: "", blocks: [], state: "writing" };
  const { state } = run(asked(), delta(1, "half"), snapshot, delta(2, "whole"));

  assert.equal(state.replies[MESSAGE].text, "whole");
});

test("a finish closes the reply and later events leave it alone", () => {
  const { state } = run(asked(), delta(1, "Two."), { ...FINISH, seq: 1, text: "Two." }, delta(2, "more"));

  assert.equal(state.replies[MESSAGE].status, "done");
  assert.equal(state.replies[MESSAGE].text, "Two.");
  assert.equal(runningReply(state), null);
});

test("a finish that is ahead of the text asks for the rest first", () => {
  const { state, sent } = run(asked(), delta(1, "Two "), { ...FINISH, seq: 2, text: "Two years." });
  const { state: whole } = run(state, delta(2, "years."), { ...FINISH, seq: 2, text: "Two years." });

  assert.deepEqual(sent, [{ type: "turn.resume", message: MESSAGE, after: 1 }]);
  assert.equal(isRunning(state.replies[MESSAGE]), true);
  assert.equal(whole.replies[MESSAGE].status, "done");
});

test("stopping asks once and keeps the text", () => {
  const stop = { type: "page.cancel", message: MESSAGE };
  const { state, sent } = run(asked(), delta(1, "Two "), stop, stop);
  const { state: stopped } = run(state, { ...FINISH, finish_reason: "cancelled", status: "stopped", seq: 1, text: "Two " });

  assert.deepEqual(sent, [{ type: "turn.cancel", message: MESSAGE }]);
  assert.equal(stopped.replies[MESSAGE].status, "stopped");
  assert.equal(stopped.replies[MESSAGE].text, "Two ");
});

test("a stop asked while the connection is away goes out when it is back", () => {
  const { sent } = run(
    asked(), { type: "page.lost", retryAt: 1 }, { type: "page.cancel", message: MESSAGE }, { type: "page.open" },
  );

  assert.deepEqual(sent.at(-1), { type: "turn.cancel", message: MESSAGE });
});

test("another answer takes the place of the one before it", () => {
  const done = run(asked(), delta(1, "Two."), { ...FINISH, seq: 1, text: "Two." }).state;
  const { state, sent } = run(
    done, { type: "page.again", message: MESSAGE, clientId: "c2" },
    { ...ACCEPTED, client_id: "c2", message: "reply-2" },
  );

  assert.deepEqual(sent, [{ type: "turn.regenerate", message: MESSAGE, client_id: "c2" }]);
  assert.deepEqual(state.items.map((item) => item.id), ["question-1", "reply-2"]);
});

test("a turn of another tab appears with its text", () => {
  const items = [{ key: "question-0", kind: "user" }, { key: "reply-0", kind: "reply" }];
  const { state } = run(
    open({ conversation: "talk", items }), { ...ACCEPTED, client_id: "other-tab", parent: "reply-0" },
  );

  assert.deepEqual(state.items.map((item) => item.id), ["question-0", "reply-0", "question-1", MESSAGE]);
  assert.equal(state.items[2].text, "How long?");
});

test("a turn of another conversation is left out", () => {
  const { state } = run(open({ conversation: "mine" }), ACCEPTED);

  assert.deepEqual(state.items, []);
});

test("a refused question gives its text back and leaves the thread", () => {
  const { state } = run(
    open(), { type: "page.send", clientId: "c1", text: "How long?" },
    { type: "error", client_id: "c1", code: "rate_limited", user_message: "Wait a minute." },
  );

  assert.deepEqual(state.items, []);
  assert.deepEqual(state.notice, { message: "Wait a minute.", code: "rate_limited", text: "How long?", images: [] });
});

const IMAGE = { id: "image-1", name: "label.png", width: 40, height: 30, url: "/chat/attachments/image-1/" };
const asksWithImage = { type: "page.send", clientId: "c1", text: "What is this?", images: [IMAGE] };

test("images go out by their ids and stand with the question at once", () => {
  const { state, sent } = run(open(), asksWithImage);

  assert.deepEqual(sent[0].attachments, [IMAGE.id]);
  assert.deepEqual(state.items[0].images, [IMAGE]);
});

test("a question without images does not speak of them", () => {
  const { sent } = run(open(), { type: "page.send", clientId: "c1", text: "How long?", images: [] });

  assert.equal("attachments" in sent[0], false);
});

test("a refused question gives its images back with its text", () => {
  const refusal = { type: "error", client_id: "c1", code: "queue_full", user_message: "Later." };
  const { state } = run(open(), asksWithImage, refusal);

  assert.deepEqual(state.notice.images, [IMAGE]);
});

test("an image that a question was refused for does not come back", () => {
  const other = { ...IMAGE, id: "other" };
  const send = { ...asksWithImage, images: [IMAGE, other] };
  const error = { type: "error", code: "attachment_gone", user_message: "Gone.", client_id: "c1", gone: [IMAGE.id] };
  const { state } = run(open(), send, error);
  assert.deepEqual(state.notice.images, [other]);
});

test("another tab's question brings its images, as the server names them", () => {
  const { state } = run(open({ conversation: "talk" }), { ...ACCEPTED, client_id: "other", attachments: [IMAGE] });

  assert.deepEqual(state.items[0].images, [IMAGE]);
});

test("a failed reply keeps what was written and can be asked for again", () => {
  const failure = { type: "reply.error", message: MESSAGE, code: "internal", user_message: "Try again.", retryable: true };
  const { state } = run(asked(), delta(1, "Two "), failure);

  assert.equal(state.replies[MESSAGE].status, "failed");
  assert.equal(state.replies[MESSAGE].text, "Two ");
  assert.equal(state.replies[MESSAGE].error.retryable, true);
});

test("an unknown event changes nothing", () => {
  const state = asked();

  assert.equal(reduce(state, { type: "reply.sung", message: MESSAGE }).state, state);
});

test("a place is moved by code points, not by UTF-16 units", () => {
  assert.equal(advance("a🙂b", 0, 2), 3);
  assert.equal(advance("שלום", 1, 2), 3);
  assert.equal(advance("ab", 0, 9), 2);
});
