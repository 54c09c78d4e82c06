import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Turn, TurnFile } from "../context";
import { LiveCounts } from "./liveCounts";
import { askedTurn, type Counts } from "./progress";

const calls: string[] = [];

const file = (path: string, text: string): TurnFile => ({
  path,
  state: "writing",
  text,
  reason: null,
  additions: null,
  deletions: null,
});

const turn = (baseVersion: number, ...files: TurnFile[]): Turn => ({
  ...askedTurn("g", { prompt: "x", mode: "build" }, 0),
  state: "running",
  baseVersion,
  files,
});

beforeEach(() => {
  calls.length = 0;
  vi.stubGlobal("fetch", async (url: string) => {
    const path = url.replace("/api/v1/projects/p/", "");
    calls.push(path);
    return path.startsWith("files?")
      ? Response.json({
          version: 2,
          items: [
            { path: "a b.js", size: 4 },
            { path: "big.bin", size: 5_000_000 },
          ],
          next: null,
        })
      : new Response("a\nb\n");
  });
});
afterEach(() => void vi.unstubAllGlobals());

/** What is told next. */
function watching() {
  const told: Map<string, Counts>[] = [];
  const live = new LiveCounts("p", (counts) => told.push(counts));
  return {
    live,
    next: (n: number) =>
      vi.waitFor(() => {
        expect(told.length).toBeGreaterThanOrEqual(n);
        return told[n - 1]!;
      }, 3000),
  };
}

it("counts against the version before, which is asked for once", async () => {
  const { live, next } = watching();
  live.update(turn(2, file("a b.js", "a\nX\n"), file("new.js", "1\n")));
  expect([...(await next(1))]).toEqual([
    ["a b.js", { additions: 1, deletions: 0 }],
    ["new.js", { additions: 1, deletions: 0 }],
  ]);
  live.update(turn(2, file("a b.js", "a\nX\nb\n"), file("new.js", "1\n")));
  expect([...(await next(2))]).toEqual([
    ["a b.js", { additions: 1, deletions: 0 }],
  ]);
  expect(calls).toEqual(["files?version=2", "files/a%20b.js?version=2"]);
  live.stop();
});

it("asks for nothing when there was nothing before, nor for large files", async () => {
  const { live, next } = watching();
  live.update(turn(0, file("a b.js", "1\n")));
  expect([...(await next(1)).keys()]).toEqual(["a b.js"]);
  expect(calls).toEqual([]);
  live.stop();
  const large = watching();
  large.live.update(turn(2, file("big.bin", "1\n"), file("n.js", "1\n")));
  expect([...(await large.next(1)).keys()]).toEqual(["n.js"]);
  expect(calls).toEqual(["files?version=2"]);
  large.live.stop();
});
