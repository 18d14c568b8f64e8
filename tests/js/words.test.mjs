import assert from "node:assert/strict";
import { test } from "node:test";

import { connectionLine, createWords, placeOf, replyLine } from "./words.js";

const words = createWords({
  language: "ar",
  decimal: ",",
  sentences: { page: "p. {page}", reading_part: "part {part} of {parts}", queued_next: "next", working: "working" },
  plurals: {
    reading: { zero: "zero", one: "one", two: "two", few: "few {n}", many: "many {n}", other: "other" },
    lost: { other: "again in {n}", one: "soon" },
  },
});
const reply = { isStopping: false, stage: "", sources: [], queue: null };

test("a name in a sentence is filled in, an unknown one stays", () => {
  assert.equal(words.t("page", { page: "41" }), "p. 41");
  assert.equal(words.t("page"), "p. {page}");
});

test("a number has the decimal sign that the server writes", () => {
  assert.equal(words.t("page", { page: "6.1" }), "p. 6,1");
});

test("a count picks the form of its language", () => {
  const forms = [0, 1, 2].map((n) => words.n("reading", n));

  assert.deepEqual(forms, ["zero", "one", "two"]);
  assert.match(words.n("reading", 5), /^few/);
  assert.match(words.n("reading", 15), /^many/);
});

test("a state nobody knows is shown as working", () => {
  assert.equal(replyLine({ ...reply, stage: "dreaming" }, words, 3).text, "working");
});

test("a document that is read part by part says which part", () => {
  const part = { part: 3, parts: 7 };

  assert.equal(replyLine({ ...reply, stage: "reading", part }, words, 3).text, "part 3 of 7");
});

test("the first in line is told so", () => {
  const queued = { ...reply, stage: "queued", queue: { position: 1, eta: null } };

  assert.deepEqual(replyLine(queued, words, 3), { icon: "clock", text: "next", place: 1 });
});

test("an open connection needs no word, a lost one offers to try now", () => {
  assert.equal(connectionLine({ status: "open" }, words, 0, false), null);
  assert.equal(connectionLine({ status: "lost", retryAt: 4000 }, words, 0, false).action, "retry");
});

test("a place does not repeat the document's title, and its arrows follow the page", () => {
  const source = { title: "Returns", heading: "Returns › How long › Presents", page: 3 };

  assert.match(placeOf(source, words), /^p. .+ · How long ‹ Presents$/);
  assert.equal(placeOf({ title: "Returns", heading: "Returns", page: null }, words), "");
});
