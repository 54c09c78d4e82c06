// Keys that a phone's keyboard does not have, as a terminal sends them.

export const ARROWS = {
  up: "A",
  down: "B",
  right: "C",
  left: "D",
} as const;

/** Programs that draw the whole screen (editors, pagers) want arrows in another form. */
export const arrow = (
  name: keyof typeof ARROWS,
  applicationMode: boolean,
): string => `\u001b${applicationMode ? "O" : "["}${ARROWS[name]}`;

/** What Ctrl makes of one typed character; null where there is nothing. */
export function withCtrl(typed: string): string | null {
  if (typed.length !== 1) {
    return null;
  }
  const code = typed.toUpperCase().charCodeAt(0);
  if (code >= 0x40 && code <= 0x5f) {
    return String.fromCharCode(code & 0x1f);
  }
  return typed === " " ? "\u0000" : null;
}
