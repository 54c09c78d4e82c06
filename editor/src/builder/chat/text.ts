// Text as it is shown: what came from a terminal, and how much of it.

import { t } from "../../strings";

// Escape sequences (ECMA-48): CSI … final byte, OSC … BEL or ST, and two-character ones.
const ESCAPES =
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~])/g;
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** What a terminal would be left with: no colours, and of a line that was written over only the last. */
export function plainText(text: string): string {
  return text
    .replace(ESCAPES, "")
    .replace(/\r+\n/g, "\n")
    .replace(/[^\n]*\r(?=[^\n])/g, "")
    .replace(CONTROLS, "");
}

/** The last lines, and whether there were more. */
export function lastLines(
  text: string,
  max: number,
): { text: string; isCut: boolean } {
  let at = text.endsWith("\n") ? text.length - 1 : text.length;
  for (let n = 0; n < max; n++) {
    at = text.lastIndexOf("\n", at - 1);
    if (at <= 0) {
      return { text, isCut: false };
    }
  }
  return { text: text.slice(at + 1), isCut: true };
}

const minutes = (s: number): string =>
  t.time.min(Math.floor(s / 60), Math.floor(s % 60));

/** 850 ms, 3.2 s, 48 s, 2 min 5 s. */
export function duration(ms: number): string {
  if (ms < 1000) {
    return t.time.ms(Math.max(0, Math.round(ms)));
  }
  const s = ms / 1000;
  if (s < 10) {
    return t.time.s(s.toFixed(1));
  }
  return s < 60 ? t.time.s(Math.floor(s)) : minutes(s);
}

/** The same while it goes on, in whole seconds. */
export function elapsed(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  return s < 60 ? t.time.s(s) : minutes(s);
}
