import { describe, expect, it } from "vitest";
import {
  baseName,
  checkNewPath,
  checkPath,
  dirName,
  movedPath,
  parents,
} from "./paths";

describe("checkPath", () => {
  it.each([
    "index.html",
    "src/pages/About us.tsx",
    ".env",
    "a.b/c..d",
    "Grüße/日本.md",
    "x".repeat(255),
  ])("takes %s", (path) => expect(checkPath(path)).toBeNull());

  it.each([
    "",
    "  ",
    "/etc/passwd",
    "a//b",
    "a/",
    "./a",
    "a/../b",
    "a\\b",
    "a\nb",
    "a\x7f",
    "a\ud800b",
    "node_modules/x",
    "src/node_modules/x/index.js",
    "x".repeat(256),
    "é".repeat(128),
    Array(33).fill("a").join("/"),
    Array(5).fill("x".repeat(250)).join("/"),
  ])("refuses %j", (path) => expect(checkPath(path)).toBeTruthy());
});

describe("checkNewPath", () => {
  const existing = ["src/App.tsx", "index.html"];
  it("refuses what is there, a folder of it, and what would be in a file", () => {
    expect(checkNewPath("index.html", existing)).toMatch(/already/);
    expect(checkNewPath("src", existing)).toMatch(/already/);
    expect(checkNewPath("index.html/a", existing)).toMatch(/is a file/);
  });
  it("takes what only looks alike", () => {
    expect(checkNewPath("src/App.ts", existing)).toBeNull();
    expect(checkNewPath("src2", existing)).toBeNull();
    expect(checkNewPath("index.html2/a", existing)).toBeNull();
  });
});

it("takes paths apart", () => {
  expect(baseName("a/b/c.ts")).toBe("c.ts");
  expect(dirName("a/b/c.ts")).toBe("a/b");
  expect(dirName("c.ts")).toBe("");
  expect(parents("a/b/c.ts")).toEqual(["a", "a/b"]);
});

it("moves what is beneath a directory, and nothing beside it", () => {
  expect(movedPath("a/b.ts", "a", "x/y")).toBe("x/y/b.ts");
  expect(movedPath("a", "a", "b")).toBe("b");
  expect(movedPath("ab/c", "a", "x")).toBe("ab/c");
});
