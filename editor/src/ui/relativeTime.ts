// Times as people say them.

import { t } from "../strings";

const relative = new Intl.RelativeTimeFormat(t.locale, { numeric: "auto" });
const absolute = new Intl.DateTimeFormat(t.locale, {
  dateStyle: "medium",
  timeStyle: "short",
});

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["week", 7 * 86_400],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** "5 minutes ago", "in 2 days", "now". */
export function relativeTime(time: string, now = Date.now()): string {
  const exact = (Date.parse(time) - now) / 1000;
  // What was set to end in a week is not "in 6 days" a second later.
  const seconds = exact > 0 ? exact + 30 : exact;
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) {
      return relative.format(Math.trunc(seconds / size), unit);
    }
  }
  return relative.format(0, "second");
}

export function absoluteTime(time: string): string {
  return absolute.format(Date.parse(time));
}
