import { describe, expect, it } from "vitest";
import type { PageMessage } from "../context";
import { openUrl, typedPath } from "./address";
import { fit } from "./devices";
import { updatesItself } from "./hotReload";
import { countErrors, groupMessages, isLocalPath, readSaid } from "./messages";
import { createPageLog, MESSAGES_MAX } from "./pageLog";

const WORDS = { dropped: (n: number) => `${n} dropped`, noAnswer: "no answer" };
const said = (fields: object) =>
  readSaid({ source: "slipway-preview", v: 1, t: 1, ...fields }, WORDS, 7);

describe("readSaid", () => {
  it("reads where the page is", () => {
    expect(
      said({ type: "location", path: "/a?b#c", title: "A", can_back: false }),
    ).toEqual({
      type: "location",
      path: "/a?b#c",
      title: "A",
      isStart: false,
      canBack: false,
      canForward: true,
    });
  });

  it.each(["//host/", "/\\host", "https://x/", "", 7, null, "/a\nb"])(
    "does not take %j for a path",
    (path) => {
      expect(said({ type: "location", path, title: "" })).toBeNull();
    },
  );

  it("reads messages of the console", () => {
    const at = { url: "http://x/a.js", line: 3, column: 4 };
    expect(said({ type: "console", level: "warn", text: "hm", at })).toEqual({
      type: "message",
      message: {
        kind: "console",
        level: "warn",
        text: "hm",
        detail: null,
        at,
        t: 7,
      },
    });
  });

  it("puts the words of an error from its stack where it has none", () => {
    expect(
      said({ type: "error", text: "Uncaught", stack: "Error: x\n at y" }),
    ).toMatchObject({
      message: { level: "error", text: "Uncaught Error: x" },
    });
  });

  it("says what became of a request", () => {
    const request = { type: "network", method: "GET", url: "/x" };
    expect(said({ ...request, status: 500, duration_ms: 12 })).toMatchObject({
      message: { text: "GET /x 500", detail: "12 ms", level: "error" },
    });
    expect(said({ ...request, status: 0 })).toMatchObject({
      message: { text: "GET /x", detail: "no answer" },
    });
  });

  it("says how many were left out", () => {
    expect(said({ type: "dropped", count: 3 })).toMatchObject({
      message: { text: "3 dropped" },
    });
  });

  it("bounds and straightens what a hostile page sends", () => {
    expect(
      said({
        type: "console",
        level: "shout",
        text: "x".repeat(100_000),
        at: { url: "y".repeat(100_000), line: -1, column: NaN },
      }),
    ).toMatchObject({
      message: {
        level: "log",
        text: "x".repeat(8192),
        at: { line: 0, column: 0 },
      },
    });
    expect(said({ type: "console", text: { toString: "x" } })).toMatchObject({
      message: { text: "", at: null },
    });
    for (const data of [null, 7, "x", [], { type: "console" }]) {
      expect(readSaid(data, WORDS, 0)).toBeNull();
    }
    expect(said({ type: "__proto__" })).toBeNull();
    expect(said({ v: 2, type: "console" })).toBeNull();
  });
});

describe("groupMessages", () => {
  const message = (id: number, text: string): PageMessage => ({
    id,
    t: id,
    kind: "console",
    level: "log",
    text,
    detail: null,
    at: null,
  });

  it("counts what is said again and again", () => {
    const groups = groupMessages(
      ["a", "a", "b", "a"].map((text, i) => message(i, text)),
    );
    expect(groups.map((g) => [g.message.text, g.times])).toEqual([
      ["a", 2],
      ["b", 1],
      ["a", 1],
    ]);
  });
});

describe("countErrors", () => {
  it("leaves out what the page before said", () => {
    const message = (t: number, level: PageMessage["level"]): PageMessage => ({
      id: t,
      t,
      kind: "console",
      level,
      text: "",
      detail: null,
      at: null,
    });
    const all = [message(1, "error"), message(2, "warn"), message(3, "error")];
    expect(countErrors(all, 0)).toBe(2);
    expect(countErrors(all, 2)).toBe(1);
    expect(countErrors(all, 4)).toBe(0);
  });
});

describe("the page log", () => {
  it("keeps the newest, and tells once for many", async () => {
    const log = createPageLog();
    let told = 0;
    log.subscribe(() => told++);
    for (let i = 0; i < MESSAGES_MAX + 10; i++) {
      log.add({
        t: i,
        kind: "console",
        level: "log",
        text: String(i),
        detail: null,
        at: null,
      });
    }
    await new Promise((resolve) => requestAnimationFrame(resolve));
    expect(told).toBe(1);
    expect(log.getSnapshot()).toHaveLength(MESSAGES_MAX);
    expect(log.getSnapshot()[0]?.text).toBe("10");
    log.clear();
    expect(log.getSnapshot()).toEqual([]);
  });
});

describe("typedPath", () => {
  const preview = "http://app-1.preview.localhost:8080";

  it.each([
    ["about", "/about"],
    ["/a b", "/a%20b"],
    ["", "/"],
    [`${preview}/x?y#z`, "/x?y#z"],
    ["//evil.example/x", "/evil.example/x"],
  ])("makes of %j the path %s", (typed, path) => {
    expect(typedPath(typed, preview)).toBe(path);
  });

  it.each([
    "http://evil.example/x",
    "javascript://app-1.preview.localhost:8080/%0aalert(1)",
    "https://app-1.preview.localhost:8080/",
    "http://",
  ])("refuses %s", (typed) => {
    expect(typedPath(typed, preview)).toBeNull();
  });

  it("goes into an address whole", () => {
    expect(openUrl("app-1", "/a?b=c&d")).toBe(
      "/api/v1/previews/app-1/open?to=%2Fa%3Fb%3Dc%26d",
    );
  });

  it("local is what begins with one slash", () => {
    expect(isLocalPath("/a")).toBe(true);
    expect(isLocalPath("//a")).toBe(false);
    expect(isLocalPath("/a\\b")).toBe(false);
  });
});

describe("fit", () => {
  it("leaves the page all the room, or makes a device fit it", () => {
    const room = { width: 800, height: 600 };
    expect(fit("desktop", room)).toEqual({ ...room, scale: 1 });
    expect(fit("phone", room)).toEqual({ width: 390, height: 600, scale: 1 });
    expect(fit("tablet", { width: 384, height: 600 })).toEqual({
      width: 768,
      height: 1024,
      scale: 0.5,
    });
    expect(fit("phone", { width: 0, height: 0 }).scale).toBe(1);
  });
});

describe("updatesItself", () => {
  it("knows the dev servers that do", () => {
    expect(updatesItself('{"devDependencies":{"vite":"^8"}}')).toBe(true);
    expect(updatesItself('{"dependencies":{"next":"16"}}')).toBe(true);
    expect(updatesItself('{"dependencies":{"express":"5"}}')).toBe(false);
    expect(updatesItself(null)).toBe(false);
    expect(updatesItself("{")).toBe(true);
    expect(updatesItself("null")).toBe(false);
    expect(updatesItself('{"dependencies":7}')).toBe(false);
  });
});
