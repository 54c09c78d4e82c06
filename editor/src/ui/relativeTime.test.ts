import { describe, expect, it } from "vitest";
import { relativeTime } from "./relativeTime";

describe("relativeTime", () => {
  const now = Date.parse("2026-03-10T12:00:00Z");
  it.each([
    ["2026-03-10T12:00:00Z", "now"],
    ["2026-03-10T11:59:01Z", "now"],
    ["2026-03-10T11:59:00Z", "1 minute ago"],
    ["2026-03-10T10:00:01Z", "1 hour ago"],
    ["2026-03-09T11:00:00Z", "yesterday"],
    ["2026-03-08T12:00:00Z", "2 days ago"],
    ["2026-02-24T12:00:00Z", "2 weeks ago"],
    ["2026-03-11T13:00:00Z", "tomorrow"],
    ["2026-03-17T12:00:00Z", "next week"],
    ["2026-03-10T12:00:20Z", "now"],
    ["2026-03-16T11:59:55Z", "in 6 days"],
  ])("%s", (time, words) => {
    expect(relativeTime(time, now)).toBe(words);
  });
});
