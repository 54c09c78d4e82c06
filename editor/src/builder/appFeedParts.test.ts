import { describe, expect, it } from "vitest";
import type { AppStatus } from "../api/types";
import {
  addLines,
  beganAnew,
  hasLog,
  LINES_MAX,
  readItem,
  stateLine,
  statusGoodForMs,
} from "./appFeedParts";

const log = (id: string, data: object) => ({
  id,
  event: "log",
  data: JSON.stringify(data),
});
const line = { t: 5, stream: "stdout", source: "app", text: "hello" };

describe("readItem", () => {
  it("reads a line with its id", () => {
    expect(readItem(log("8", line), 7)).toEqual({
      type: "line",
      line: { id: 8, ...line },
    });
  });

  it("passes over what was read before", () => {
    expect(readItem(log("7", line), 7)).toBeNull();
    expect(readItem(log("3", line), 7)).toBeNull();
  });

  it("puts a line without id and time behind the one before it", () => {
    const item = readItem(log("7", { ...line, t: null }), 7);
    expect(item).toMatchObject({ type: "line", line: { id: 7.5 } });
  });

  it("tells a change of the state from the present one, which repeats an id", () => {
    const state = (id: string) => ({ id, event: "state", data: "{}" });
    expect(readItem(state("9"), 7)).toMatchObject({ type: "state", id: 9 });
    expect(readItem(state("7"), 7)).toMatchObject({ type: "state", id: null });
    expect(readItem(state(""), 0)).toMatchObject({ type: "state", id: null });
  });

  it("passes over what is not what it should be", () => {
    expect(readItem({ id: "8", event: "log", data: "{" }, 7)).toBeNull();
    expect(readItem({ id: "8", event: "log", data: "null" }, 7)).toBeNull();
    expect(readItem(log("8", { t: 1, text: 5 }), 7)).toBeNull();
    expect(readItem({ id: "8", event: "new", data: "{}" }, 7)).toBeNull();
  });
});

describe("addLines", () => {
  const lines = (from: number, n: number) =>
    Array.from({ length: n }, (_, i) => ({
      ...line,
      stream: "stdout" as const,
      source: "app" as const,
      id: from + i,
    }));

  it("keeps the newest", () => {
    const all = addLines(lines(1, LINES_MAX), lines(LINES_MAX + 1, 3));
    expect(all).toHaveLength(LINES_MAX);
    expect(all[0]?.id).toBe(4);
  });

  it("gives the same array when there is nothing new", () => {
    const before = lines(1, 2);
    expect(addLines(before, [])).toBe(before);
  });
});

describe("the state", () => {
  it("as a line has what went wrong", () => {
    expect(
      stateLine(3, { state: "crashed", error: "exit 1" }, 9),
    ).toMatchObject({ id: 3, t: 9, state: "crashed", text: "exit 1" });
    expect(stateLine(3, {}, 9)).toBeNull();
  });

  it("of another sandbox is noticed by its numbers", () => {
    expect(beganAnew({ last_log_id: 4 }, 2000)).toBe(true);
    expect(beganAnew({ last_log_id: 2001 }, 2000)).toBe(false);
    expect(beganAnew({}, 2000)).toBe(false);
  });

  it("is asked for more often while something happens", () => {
    const of = (state: AppStatus["state"], hydrated_version = 2) =>
      statusGoodForMs({ state, version: 2, hydrated_version } as AppStatus);
    expect(of("installing")).toBeLessThan(of("stopped"));
    expect(of("installing")).toBeLessThan(of("running"));
    expect(of("running")).toBeLessThanOrEqual(4_000); // a file written by the API shows soon
    expect(of("running", 1)).toBeLessThanOrEqual(300);
    expect(statusGoodForMs(null)).toBeLessThanOrEqual(2000);
  });

  it("says whether there can be a log", () => {
    expect(hasLog(null)).toBe(false);
    expect(hasLog({ state: "stopped" } as AppStatus)).toBe(false);
    expect(hasLog({ state: "crashed" } as AppStatus)).toBe(true);
  });
});
