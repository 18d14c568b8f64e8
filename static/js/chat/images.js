/* What may be attached, and in which size: rules about images and videos. Pure. */

const IMAGES = new Set(["image/png", "image/jpeg", "image/webp", "image/gif"]);
const VIDEOS = new Set(["video/mp4", "video/webm", "video/quicktime"]);

export const LONGEST_SIDE_PX = 4096;
export const LONGEST_VIDEO_S = 60;

/** What a media type is to us: "image" as it is, "convertible" into one, "video", or "" for neither. */
export function kindOf(type) {
  const plain = (type || "").split(";")[0].trim().toLowerCase();
  if (IMAGES.has(plain)) return "image";
  if (VIDEOS.has(plain)) return "video";
  return plain.startsWith("image/") && plain !== "image/svg+xml" ? "convertible" : "";
}

/** Fit a size into a square, keeping its shape; never larger than it was. */
export function fit(width, height, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Return the seconds to look at: evenly spaced, each in the middle of its share, at most one a second. */
export function frameTimes(duration, most) {
  const count = Math.max(1, Math.min(most, Math.floor(duration)));
  return Array.from({ length: count }, (_, n) => ((n + 0.5) * duration) / count);
}

/** Return a file's name without the signs that turn the writing around, so that no ending hides in it. */
export const plainName = (name) => name.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "");

/** Name a frame after its video and its moment: "clip.mp4 – 0:03". */
export function frameName(name, second) {
  const whole = Math.floor(second);
  return `${plainName(name)} – ${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
