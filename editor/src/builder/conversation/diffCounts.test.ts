import { describe, expect, it } from "vitest";
import { countLines } from "./diffCounts";

const BASE = "a\nb\nc\nd\n";

describe("lines added and removed", () => {
  it.each([
    ["nothing", "", "", 0, 0],
    ["a new file", "", "a\nb\n", 2, 0],
    ["no end of line", "", "a\nb", 2, 0],
    ["the same", BASE, BASE, 0, 0],
    ["one changed", BASE, "a\nB\nc\nd\n", 1, 1],
    ["one gone", BASE, "a\nc\nd\n", 0, 1],
    ["all gone", BASE, "", 0, 4],
    ["the end gone", BASE, "a\nb\n", 0, 2],
    ["one at the end", BASE, `${BASE}e\n`, 1, 0],
    ["one at the start", BASE, `0\n${BASE}`, 1, 0],
  ])("%s", (_name, base, text, additions, deletions) => {
    expect(countLines(base, text)).toEqual({ additions, deletions });
  });

  it("while it is written, what may yet come is not gone", () => {
    const isWriting = { isWriting: true };
    expect(countLines(BASE, "a\nb\n", isWriting)).toEqual({
      additions: 0,
      deletions: 0,
    });
    expect(countLines(BASE, "a\nc\nX", isWriting)).toEqual({
      additions: 0,
      deletions: 1,
    });
    expect(countLines(BASE, "a\nnew\n", isWriting)).toEqual({
      additions: 1,
      deletions: 0,
    });
  });

  it("large texts with nothing in common take no long time", () => {
    const many = (word: string) =>
      Array.from({ length: 20_000 }, (_, n) => `${word} ${n}`).join("\n");
    const since = performance.now();
    const counts = countLines(many("a"), many("b"));
    expect(counts).toEqual({ additions: 20_000, deletions: null });
    expect(performance.now() - since).toBeLessThan(1000);
  });
});
