import { describe, expect, it } from "vitest";
import { findPlaces, placeOfUrl, splitByQuery } from "./links";

const FILES = ["src/App.tsx", "src/x.js", "server.js", "public/logo.svg"];
const hasFile = (path: string) => FILES.includes(path);
const places = (text: string) =>
  findPlaces(text, hasFile).flatMap((piece) =>
    piece.place ? [piece.place] : [],
  );

describe("findPlaces", () => {
  it.each([
    ["src/App.tsx:12:5", { path: "src/App.tsx", line: 12, column: 5 }],
    ["at /workspace/src/x.js:3", { path: "src/x.js", line: 3 }],
    [
      "file:///workspace/server.js:7:1)",
      { path: "server.js", line: 7, column: 1 },
    ],
    [
      "    at App (http://a-1.preview.localhost:8080/src/App.tsx?t=17:4:9)",
      { path: "src/App.tsx" },
    ],
    [
      "    at f (http://a-1.preview.localhost:8080/src/x.js?t=17:4:9)",
      { path: "src/x.js", line: 4, column: 9 },
    ],
    [
      "src/App.tsx(12,5): error TS2304",
      { path: "src/App.tsx", line: 12, column: 5 },
    ],
    ["./src/x.js", { path: "src/x.js" }],
    ["  File: /workspace/src/App.tsx:1:0", { path: "src/App.tsx", line: 1 }],
  ])("finds the place in %s", (text, place) => {
    expect(places(text)).toEqual([expect.objectContaining(place)]);
  });

  it("knows only the project's files", () => {
    expect(places("at node:internal/main:12:3")).toEqual([]);
    expect(places("/workspace/node_modules/x/index.js:1:1")).toEqual([]);
    expect(places("/etc/passwd:1")).toEqual([]);
    expect(places("../src/x.js:1")).toEqual([]);
  });

  it("keeps the text as it is", () => {
    for (const text of [
      "",
      "plain",
      "a src/x.js:1 b src/App.tsx:2:2 c",
      "%E0%A4%A:1",
      "((((src/x.js))))",
    ]) {
      const joined = findPlaces(text, hasFile)
        .map((piece) => piece.text)
        .join("");
      expect(joined).toBe(text);
    }
  });

  it("stays fast on hostile text", () => {
    const start = performance.now();
    for (const c of ["a", "/", ":", "(", "?", "a:1", "http://", "%"]) {
      findPlaces(c.repeat(8192), hasFile);
    }
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe("placeOfUrl", () => {
  it("finds the file of a page's address", () => {
    const at = (path: string) => ({
      url: `http://a-1.preview.localhost:8080/${path}?t=17`,
      line: 4,
      column: 0,
    });
    expect(placeOfUrl(at("src/x.js"), hasFile)).toEqual({
      path: "src/x.js",
      line: 4,
      column: undefined,
    });
    // Its lines are those of the translation.
    expect(placeOfUrl(at("src/App.tsx"), hasFile)).toEqual({
      path: "src/App.tsx",
    });
    const url = at("").url;
    expect(placeOfUrl({ url, line: 1, column: 1 }, hasFile)).toBeNull();
    expect(placeOfUrl({ url: "no", line: 1, column: 1 }, hasFile)).toBeNull();
    expect(placeOfUrl(null, hasFile)).toBeNull();
  });
});

describe("splitByQuery", () => {
  it("cuts at what is found", () => {
    expect(splitByQuery("One one", "ONE")).toEqual(["", "One", " ", "one", ""]);
    expect(splitByQuery("text", "")).toEqual(["text"]);
    expect(splitByQuery("İ x", "x")).toEqual(["İ x"]);
  });
});
