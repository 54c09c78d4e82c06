import { expect, it } from "vitest";
import { formatStyle } from "./formatStyle";

it("goes by what is there", () => {
  expect(formatStyle("import a from 'a';\nlet b = 'c';\n")).toEqual({
    singleQuote: true,
    semi: true,
  });
  expect(
    formatStyle('import a from "a"\nconst b = a()\nexport { b }\nb(1)\n'),
  ).toEqual({ singleQuote: false, semi: false });
});

it("has Prettier's way where there is nothing to go by", () => {
  expect(formatStyle("")).toEqual({ singleQuote: false, semi: true });
});
