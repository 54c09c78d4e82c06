// A file's bytes as text and back, with nothing lost: the byte order mark is kept, and what is not UTF-8 is
// not text.

export interface Decoded {
  text: string;
  hasBom: boolean;
  eol: "\n" | "\r\n";
}

const BOM = "\uFEFF";

function mostlyCrlf(text: string): boolean {
  const lines = text.match(/\r?\n/g) ?? [];
  const crlf = lines.filter((eol) => eol === "\r\n").length;
  return crlf * 2 > lines.length;
}

/** null: not text. */
export function decodeText(bytes: Uint8Array): Decoded | null {
  if (bytes.includes(0)) {
    return null;
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      bytes,
    );
  } catch {
    return null;
  }
  const hasBom = text.startsWith(BOM);
  return {
    text: hasBom ? text.slice(1) : text,
    hasBom,
    eol: mostlyCrlf(text) ? "\r\n" : "\n",
  };
}

export const encodeText = (text: string, hasBom: boolean): string =>
  hasBom ? BOM + text : text;

/** `1.4 MB`; powers of 1024, as the limits are. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) {
    return `${bytes} B`;
  }
  const isMega = bytes >= 1024 * 1024;
  const value = bytes / (isMega ? 1024 * 1024 : 1024);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${isMega ? "MB" : "kB"}`;
}

export interface Replacement {
  /** Offsets into the old text. */
  start: number;
  end: number;
  text: string;
}

/** The one place where two texts differ, so that all around it keeps its cursor and its marks. */
export function replacement(before: string, after: string): Replacement | null {
  if (before === after) {
    return null;
  }
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) {
    start++;
  }
  let tail = 0;
  while (
    tail < shorter - start &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    tail++;
  }
  return {
    start,
    end: before.length - tail,
    text: after.slice(start, after.length - tail),
  };
}
