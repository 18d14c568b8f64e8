import assert from "node:assert/strict";
import { test } from "node:test";

import { fit, frameName, frameTimes, kindOf, plainName } from "./images.js";

test("images and videos are told apart by their media type, whatever its parameters", () => {
  assert.equal(kindOf("image/png"), "image");
  assert.equal(kindOf("IMAGE/JPEG"), "image");
  assert.equal(kindOf("video/webm;codecs=vp8"), "video");
});

test("an image of another format may become one of ours, a drawing with scripts may not", () => {
  assert.equal(kindOf("image/heic"), "convertible");
  assert.equal(kindOf("image/svg+xml"), "");
});

test("what is neither has no kind, also a file without a type", () => {
  assert.equal(kindOf("application/pdf"), "");
  assert.equal(kindOf(""), "");
  assert.equal(kindOf(undefined), "");
});

test("a large photo is made to fit and keeps its shape", () => {
  assert.deepEqual(fit(8192, 4096, 4096), { width: 4096, height: 2048 });
  assert.deepEqual(fit(3000, 6000, 4096), { width: 2048, height: 4096 });
});

test("a small image is never made larger, and none loses its last pixel", () => {
  assert.deepEqual(fit(640, 480, 4096), { width: 640, height: 480 });
  assert.deepEqual(fit(90000, 1, 4096), { width: 4096, height: 1 });
});

test("frames stand in the middle of equal shares", () => {
  assert.deepEqual(frameTimes(8, 4), [1, 3, 5, 7]);
});

test("a short video gives at most one frame a second, and always one", () => {
  assert.deepEqual(frameTimes(2.5, 4), [0.625, 1.875]);
  assert.deepEqual(frameTimes(0.4, 4), [0.2]);
});

test("a frame is named after its moment, and no two of a video alike", () => {
  assert.equal(frameName("clip.mp4", 3.9), "clip.mp4 – 0:03");
  assert.equal(frameName("clip.mp4", 60), "clip.mp4 – 1:00");
  const names = frameTimes(5.9, 10).map((second) => frameName("a", second));
  assert.equal(new Set(names).size, names.length);
});

test("no sign that turns writing around hides the ending of a name", () => {
  assert.equal(plainName("\u202egnp.exe"), "gnp.exe");
  assert.equal(plainName("תווית.png"), "תווית.png");
});
