import { describe, expect, it } from "vitest";
import { indent, lineCount, newLine, outdent, type Edit } from "./editing";

/** "a[b]c": the brackets ⟦⟧ are the selection. */
function at(marked: string): Edit {
  const start = marked.indexOf("⟦");
  const end = marked.indexOf("⟧") - 1;
  return { text: marked.replace(/[⟦⟧]/g, ""), start, end };
}
const shown = ({ text, start, end }: Edit) =>
  `${text.slice(0, start)}⟦${text.slice(start, end)}⟧${text.slice(end)}`;

describe("indent", () => {
  it.each([
    ["a⟦⟧b", "a  ⟦⟧b"],
    ["a⟦b⟧c", "a  ⟦⟧c"],
    ["⟦a\nb⟧\nc", "  ⟦a\n  b⟧\nc"],
    ["x\na⟦a\n\nb⟧b", "x\n  a⟦a\n\n  b⟧b"],
  ])("%j", (before, after) => expect(shown(indent(at(before)))).toBe(after));
});

describe("outdent", () => {
  it.each([
    ["  a⟦⟧b", "a⟦⟧b"],
    ["⟦⟧    ab", "⟦⟧  ab"],
    [" a⟦⟧", "a⟦⟧"],
    ["\ta⟦⟧", "a⟦⟧"],
    ["a⟦⟧b", "a⟦⟧b"],
    ["  ⟦a\n  b⟧\n  c", "⟦a\nb⟧\n  c"],
  ])("%j", (before, after) => expect(shown(outdent(at(before)))).toBe(after));

  it("takes back what indent did", () => {
    const before = at("x\n⟦a\nb⟧\n");
    expect(outdent(indent(before)).text).toBe(before.text);
  });
});

describe("newLine", () => {
  it.each([
    ["a⟦⟧b", "a\n⟦⟧b"],
    ["  a⟦⟧", "  a\n  ⟦⟧"],
    ["if (x) {⟦⟧", "if (x) {\n  ⟦⟧"],
    ["  f(⟦⟧)", "  f(\n    ⟦⟧)"],
    ["a⟦bc⟧d", "a\n⟦⟧d"],
  ])("%j", (before, after) => expect(shown(newLine(at(before)))).toBe(after));
});

it("counts lines", () => {
  expect(lineCount("")).toBe(1);
  expect(lineCount("a\nb\n")).toBe(3);
});
