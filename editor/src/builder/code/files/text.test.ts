import { describe, expect, it } from "vitest";
import { decodeText, encodeText, formatBytes, replacement } from "./text";

const bytes = (...all: number[]) => new Uint8Array(all);
const utf8 = (text: string) => new TextEncoder().encode(text);

describe("decodeText", () => {
  it("gives back just what was there", () => {
    for (const text of [
      "",
      "a\n",
      "a\r\nb\r\n",
      "no end",
      "\uFEFFa\n",
      "ä日😀",
    ]) {
      const decoded = decodeText(utf8(text));
      expect(decoded && encodeText(decoded.text, decoded.hasBom)).toBe(text);
    }
  });
  it("takes the byte order mark off", () => {
    expect(decodeText(utf8("\uFEFFa"))).toEqual({
      text: "a",
      hasBom: true,
      eol: "\n",
    });
  });
  it("goes by the lines there are most of", () => {
    expect(decodeText(utf8("a\r\nb\r\nc\n"))?.eol).toBe("\r\n");
    expect(decodeText(utf8("a\r\nb\nc\n"))?.eol).toBe("\n");
  });
  it("knows what is no text", () => {
    expect(decodeText(bytes(0x61, 0))).toBeNull();
    expect(decodeText(bytes(0xff, 0xfe, 0x61))).toBeNull();
    expect(decodeText(bytes(0x89, 0x50, 0x4e, 0x47))).toBeNull();
    expect(decodeText(bytes(0xc3))).toBeNull(); // cut in the middle
    expect(decodeText(utf8("Gr\u00fc\u00dfe").slice(0, 3))).toBeNull();
  });
});

describe("replacement", () => {
  const apply = (before: string, after: string) => {
    const edit = replacement(before, after);
    return edit
      ? before.slice(0, edit.start) + edit.text + before.slice(edit.end)
      : before;
  };
  it("is the one place that differs", () => {
    expect(replacement("abc", "abc")).toBeNull();
    expect(replacement("one two three", "one 2 three")).toEqual({
      start: 4,
      end: 7,
      text: "2",
    });
  });
  it("leads from one to the other", () => {
    for (const [a, b] of [
      ["", "x"],
      ["x", ""],
      ["aaa", "aa"],
      ["aa", "aaa"],
      ["abab", "ab"],
      ["x\ny\n", "x\nz\ny\n"],
    ] as const) {
      expect(apply(a, b)).toBe(b);
    }
  });
});

it("says sizes shortly", () => {
  expect(formatBytes(0)).toBe("0 B");
  expect(formatBytes(1023)).toBe("1023 B");
  expect(formatBytes(1536)).toBe("1.5 kB");
  expect(formatBytes(20 * 1024)).toBe("20 kB");
  expect(formatBytes(10 * 1024 * 1024)).toBe("10 MB");
});
