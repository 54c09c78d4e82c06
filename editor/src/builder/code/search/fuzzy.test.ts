import { expect, it } from "vitest";
import { fuzzyMatch, fuzzySearch } from "./fuzzy";
import { groupHits, markedLine } from "./hits";

const PATHS = [
  "src/App.tsx",
  "src/components/AppHeader.tsx",
  "src/pages/about.tsx",
  "package.json",
  "src/api/apples.ts",
];
const best = (query: string, recent: string[] = []) =>
  fuzzySearch(PATHS, query, recent)[0]?.path;

it("finds by letters in order, the name before the folders", () => {
  expect(best("app")).toBe("src/App.tsx");
  expect(best("apphead")).toBe("src/components/AppHeader.tsx");
  expect(best("about")).toBe("src/pages/about.tsx");
  expect(best("pkg")).toBe("package.json");
  expect(best("src abo")).toBe("src/pages/about.tsx");
  expect(best("zzz")).toBeUndefined();
});

it("says where the letters are", () => {
  expect(fuzzyMatch("a/bc.ts", "bc")?.positions).toEqual([2, 3]);
  expect(fuzzyMatch("abc", "abcd")).toBeNull();
  expect(fuzzyMatch("ab", "aab")).toBeNull();
});

it("begins with the recent ones", () => {
  expect(best("", ["package.json", "src/App.tsx"])).toBe("package.json");
});

it("groups lines by file and marks what was found", () => {
  const hit = { path: "a", line: 1, column: 1, text: "x" };
  expect(
    groupHits([hit, { ...hit, line: 2 }, { ...hit, path: "b" }]).map((g) => [
      g.path,
      g.hits.length,
    ]),
  ).toEqual([
    ["a", 2],
    ["b", 1],
  ]);
  expect(markedLine("  const Name = 1", "name")).toEqual([
    "const ",
    "Name",
    " = 1",
  ]);
  expect(markedLine("cut away", "name")).toEqual(["cut away", "", ""]);
  expect(markedLine(`${"a".repeat(40)}b`, "b")[0]).toHaveLength(25);
});
