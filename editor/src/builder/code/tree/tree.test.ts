import { describe, expect, it } from "vitest";
import {
  buildTree,
  foldersAtFirst,
  treeMove,
  typeAhead,
  visibleRows,
} from "./tree";

const PATHS = [
  "README.md",
  "src/App.tsx",
  "src/pages/page10.tsx",
  "src/pages/page2.tsx",
  "src/pages/Zoo.tsx",
  "api/index.js",
];
const tree = buildTree(PATHS);
const names = (open: string[]) =>
  visibleRows(tree, new Set(open)).map((row) => row.node.path);

describe("buildTree", () => {
  it("puts folders first, each in people's order", () => {
    expect(names(["src", "src/pages"])).toEqual([
      "api",
      "src",
      "src/pages",
      "src/pages/page2.tsx",
      "src/pages/page10.tsx",
      "src/pages/Zoo.tsx",
      "src/App.tsx",
      "README.md",
    ]);
  });
  it("is empty for nothing", () => expect(buildTree([])).toEqual([]));
  it("has a file and a folder of like names apart", () => {
    expect(buildTree(["a.b/c", "a"]).map((n) => n.path)).toEqual(["a.b", "a"]);
  });
});

describe("visibleRows", () => {
  it("shows only what is in open folders", () => {
    expect(names([])).toEqual(["api", "src", "README.md"]);
    expect(names(["src/pages"])).toEqual(["api", "src", "README.md"]);
  });
  it("counts as ARIA does", () => {
    const rows = visibleRows(tree, new Set(["src"]));
    expect(rows[3]).toMatchObject({ level: 2, position: 2, siblings: 2 });
  });
});

describe("treeMove", () => {
  const rows = visibleRows(tree, new Set(["src"]));
  // api, src, src/pages, src/App.tsx, README.md
  it.each([
    ["api", "ArrowDown", { focus: "src" }],
    ["api", "ArrowUp", null],
    ["api", "ArrowRight", { open: "api" }],
    ["src", "ArrowRight", { focus: "src/pages" }],
    ["src", "ArrowLeft", { close: "src" }],
    ["src/pages", "ArrowLeft", { focus: "src" }],
    ["src/App.tsx", "ArrowLeft", { focus: "src" }],
    ["src/App.tsx", "ArrowRight", null],
    ["api", "ArrowLeft", null],
    ["src", "End", { focus: "README.md" }],
    ["src", "Home", { focus: "api" }],
    ["not there", "ArrowDown", { focus: "api" }],
  ] as const)("on %s %s: %j", (path, key, move) =>
    expect(treeMove(rows, path, key)).toEqual(move),
  );
});

it("goes to the next name that begins so", () => {
  const rows = visibleRows(tree, new Set(["src"]));
  expect(typeAhead(rows, "api", "a")).toBe("src/App.tsx");
  expect(typeAhead(rows, "src/App.tsx", "a")).toBe("api");
  expect(typeAhead(rows, "api", "x")).toBeNull();
});

it("opens small projects whole, large ones where the code is", () => {
  expect([...foldersAtFirst(PATHS)]).toEqual(["src", "src/pages", "api"]);
  const many = Array.from({ length: 50 }, (_, i) => `lib/${i}/x.js`);
  expect([...foldersAtFirst([...many, "src/a.js"])]).toEqual(["src"]);
});
