// How a file is shown: by its name, then by its bytes.

import { extensionOf } from "../language";

export type FileKind =
  "text" | "image" | "audio" | "video" | "font" | "pdf" | "binary";

const KINDS: Record<Exclude<FileKind, "text">, string> = {
  image: "png jpg jpeg gif webp avif ico bmp",
  audio: "mp3 wav ogg oga m4a flac aac opus",
  video: "mp4 webm mov ogv m4v",
  font: "woff woff2 ttf otf eot",
  pdf: "pdf",
  binary:
    "zip gz tgz tar bz2 xz 7z rar wasm exe dll so dylib bin class jar db sqlite sqlite3 psd ai heic tiff doc docx xls xlsx ppt pptx node pyc",
};

const BY_EXTENSION = new Map<string, FileKind>(
  Object.entries(KINDS).flatMap(([kind, list]) =>
    list.split(" ").map((ext) => [ext, kind as FileKind] as const),
  ),
);

const MEDIA_TYPES: Record<string, string> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  ico: "image/x-icon",
  bmp: "image/bmp",
  svg: "image/svg+xml",
  mp3: "audio/mpeg",
  wav: "audio/wav",
  ogg: "audio/ogg",
  oga: "audio/ogg",
  opus: "audio/ogg",
  m4a: "audio/mp4",
  aac: "audio/aac",
  flac: "audio/flac",
  mp4: "video/mp4",
  m4v: "video/mp4",
  mov: "video/mp4",
  webm: "video/webm",
  ogv: "video/ogg",
};

/** "text" also for names that say nothing: then the bytes decide. */
export const kindByName = (path: string): FileKind =>
  BY_EXTENSION.get(extensionOf(path)) ?? "text";

/** A text that is a picture, too. */
export const isDrawing = (path: string): boolean => extensionOf(path) === "svg";

export const mediaTypeOf = (path: string): string =>
  MEDIA_TYPES[extensionOf(path)] ?? "application/octet-stream";

/** Text above this is opened only when asked for. */
export const LARGE_TEXT_BYTES = 1024 * 1024;
/** Text above this is not opened at all. */
export const MAX_TEXT_BYTES = 5 * 1024 * 1024;
export const MAX_UPLOAD_BYTES = 10 * 1024 * 1024;

export type Size = "normal" | "large" | "tooLarge";

export function textSize(bytes: number): Size {
  if (bytes > MAX_TEXT_BYTES) {
    return "tooLarge";
  }
  return bytes > LARGE_TEXT_BYTES ? "large" : "normal";
}
