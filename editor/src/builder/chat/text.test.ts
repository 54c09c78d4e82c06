import { describe, expect, it } from "vitest";
import { duration, elapsed, lastLines, plainText } from "./text";

describe("what a terminal printed", () => {
  it.each([
    ["colours", "\u001b[1;31mred\u001b[0m", "red"],
    ["links", "\u001b]8;;http://x\u0007name\u001b]8;;\u0007", "name"],
    ["an unfinished sequence", "a\u001b[", "a"],
    ["clearing the screen", "\u001b[2J\u001b[Ha", "a"],
    ["a line written over", "10%\r50%\r100%\nend", "100%\nend"],
    ["line ends of elsewhere", "a\r\nb\r\n", "a\nb\n"],
    ["bells and zeros", "a\u0007\u0000b\tc", "ab\tc"],
  ])("%s", (_name, text, plain) => {
    expect(plainText(text)).toBe(plain);
  });
});

it("gives the last lines", () => {
  expect(lastLines("a\nb\nc\n", 2)).toEqual({ text: "b\nc\n", isCut: true });
  expect(lastLines("a\nb\nc", 2)).toEqual({ text: "b\nc", isCut: true });
  expect(lastLines("a\nb", 2)).toEqual({ text: "a\nb", isCut: false });
  expect(lastLines("", 2)).toEqual({ text: "", isCut: false });
});

it("says how long", () => {
  expect([0, 850, 3240, 48_900, 125_000].map(duration)).toEqual([
    "0 ms",
    "850 ms",
    "3.2 s",
    "48 s",
    "2 min 5 s",
  ]);
  expect([-5, 850, 3240, 125_000].map(elapsed)).toEqual([
    "0 s",
    "0 s",
    "3 s",
    "2 min 5 s",
  ]);
});
