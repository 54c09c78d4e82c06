import { describe, expect, it } from "vitest";
import { firstLines, lineCount, parseUnified } from "./unified";

const DIFF = [
  "--- a/x.js",
  "+++ b/x.js",
  "@@ -1,3 +1,4 @@",
  " one",
  "-two",
  "+2",
  "+two and a half",
  " three",
  "@@ -10 +11 @@ function f() {",
  "--- not a header",
  "+++ nor this",
  "\\ No newline at end of file",
  "",
].join("\n");

describe("parseUnified", () => {
  const hunks = parseUnified(DIFF);

  it("finds the hunks and numbers their lines", () => {
    expect(hunks).toHaveLength(2);
    expect(hunks[0]!.lines).toEqual([
      { kind: "same", text: "one", old: 1, new: 1 },
      { kind: "removed", text: "two", old: 2, new: null },
      { kind: "added", text: "2", old: null, new: 2 },
      { kind: "added", text: "two and a half", old: null, new: 3 },
      { kind: "same", text: "three", old: 3, new: 4 },
    ]);
  });

  it("takes lines that look like headers for what they are", () => {
    expect(hunks[1]).toMatchObject({
      context: "function f() {",
      oldStart: 10,
      newStart: 11,
    });
    expect(hunks[1]!.lines.map((line) => [line.kind, line.text])).toEqual([
      ["removed", "-- not a header"],
      ["added", "++ nor this"],
      ["note", "No newline at end of file"],
    ]);
  });

  it("has nothing of an empty diff", () => {
    expect(parseUnified("")).toEqual([]);
  });

  it("keeps empty lines, and drops the ends of Windows", () => {
    const [hunk] = parseUnified("@@ -1,2 +1,2 @@\n \n+a\r\n");
    expect(hunk!.lines.map((line) => line.text)).toEqual(["", "a"]);
  });
});

describe("firstLines", () => {
  it("cuts over all hunks", () => {
    const hunks = parseUnified(DIFF);
    expect(lineCount(hunks)).toBe(8);
    expect(firstLines(hunks, 6).map((hunk) => hunk.lines.length)).toEqual([
      5, 1,
    ]);
    expect(firstLines(hunks, 5)).toHaveLength(1);
  });
});
