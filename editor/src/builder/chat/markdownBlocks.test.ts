import { expect, it } from "vitest";
import { markdownBlocks } from "./markdownBlocks";

it.each([
  ["nothing", "", []],
  ["only blank lines", "\n \n\n", []],
  ["paragraphs", "one\ntwo\n\nthree", ["one\ntwo\n", "three"]],
  [
    "fenced code with blank lines",
    "a\n\n```js\nlet b;\n\nlet c;\n```\n\nd",
    ["a\n", "```js\nlet b;\n\nlet c;\n```\n", "d"],
  ],
  ["an open fence", "```\na\n\nb", ["```\na\n\nb"]],
  [
    "a longer fence around a shorter",
    "````\n```\n\na\n```\n\nb\n````\n\nc",
    ["````\n```\n\na\n```\n\nb\n````\n", "c"],
  ],
  ["a list with space between", "1. a\n\n2. b\n\nc", ["1. a\n\n2. b\n", "c"]],
  ["what belongs to an item", "- a\n\n  more\n\nb", ["- a\n\n  more\n", "b"]],
])("%s", (_name, text, blocks) => {
  expect(markdownBlocks(text)).toEqual(blocks);
});

it("changes only the last block while a text grows", () => {
  const text =
    "# A\n\npara one\n\n- x\n- y\n\n```js\na\n\nb\n```\n\nend **bold**";
  let before: string[] = [];
  for (let n = 1; n <= text.length; n++) {
    const now = markdownBlocks(text.slice(0, n));
    // All but the last two stay: the one that ends may get its blank line, and the new one begins.
    expect(now.slice(0, Math.max(0, before.length - 1))).toEqual(
      before.slice(0, -1),
    );
    before = now;
  }
});
