/* Pixels: photos made small enough to send, moments of a video as images. Loaded on first use. */

import { LONGEST_SIDE_PX, LONGEST_VIDEO_S, fit, frameName, frameTimes } from "./images.js";

const PATIENCE_MS = 15_000;
const FAR_S = 1e7; // a recording without a length learns it by a look beyond its end

/** Why a video gave no frames: `reason` is the name of a sentence. */
export class VideoRefused extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

/** Return what to send of an image file: the file, or a smaller copy; null when no image comes out of it. */
export async function shrink(file, kind) {
  const bitmap = await createImageBitmap(file).catch(() => null); // not readable here; the server judges
  if (!bitmap) return kind === "image" ? file : null;
  const { width, height } = fit(bitmap.width, bitmap.height, LONGEST_SIDE_PX);
  const isFine = kind === "image" && width === bitmap.width && height === bitmap.height;
  const sent = isFine ? file : await encode(bitmap, width, height, file.type === "image/png" ? "image/png" : "image/jpeg");
  bitmap.close();
  return sent;
}

/** Draw a small copy for the eye into a canvas of that side; false when the file cannot be read. */
export async function thumbnail(blob, canvas, side) {
  const bitmap = await createImageBitmap(blob).catch(() => null);
  if (!bitmap) return false;
  const scale = side / Math.min(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  canvas.width = canvas.height = side;
  canvas.getContext("2d").drawImage(bitmap, (side - width) / 2, (side - height) / 2, width, height);
  bitmap.close();
  return true;
}

/** Return evenly spaced frames of a video as [{ name, blob }]. Raises: VideoRefused. */
export async function framesOf(file, most) {
  const video = document.createElement("video");
  const url = URL.createObjectURL(file);
  Object.assign(video, { muted: true, playsInline: true, preload: "auto", src: url });
  try {
    await event(video, "loadeddata");
    const duration = await durationOf(video);
    if (duration > LONGEST_VIDEO_S + 0.5) throw new VideoRefused("video_long");
    const frames = [];
    for (const second of frameTimes(duration, most)) {
      await seek(video, second);
      const { width, height } = fit(video.videoWidth, video.videoHeight, LONGEST_SIDE_PX);
      const blob = await encode(video, width, height, "image/jpeg");
      if (!blob) throw new VideoRefused("video_unreadable");
      frames.push({ name: frameName(file.name, second), blob });
    }
    return frames;
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(url);
  }
}

async function durationOf(video) {
  if (!Number.isFinite(video.duration)) await seek(video, FAR_S);
  const duration = Number.isFinite(video.duration) ? video.duration : video.currentTime;
  if (!video.videoWidth || !(duration > 0)) throw new VideoRefused("video_unreadable"); // sound alone
  return duration;
}

function seek(video, second) {
  const done = event(video, "seeked");
  video.currentTime = second;
  return done;
}

function event(video, name) {
  return new Promise((resolve, reject) => {
    const refuse = () => reject(new VideoRefused("video_unreadable"));
    const timer = setTimeout(refuse, PATIENCE_MS);
    video.addEventListener("error", refuse, { once: true });
    video.addEventListener(name, () => {
      clearTimeout(timer);
      video.removeEventListener("error", refuse);
      resolve();
    }, { once: true });
  });
}

function encode(source, width, height, type) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  if (type === "image/jpeg") {
    pen.fillStyle = "#fff"; // JPEG has no transparency; without paper it turns black
    pen.fillRect(0, 0, width, height);
  }
  pen.drawImage(source, 0, 0, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, type, 0.9));
}
