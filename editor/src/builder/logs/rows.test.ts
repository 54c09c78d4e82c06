import { describe, expect, it } from "vitest";
import type { FeedLine, PageMessage } from "../context";
import { filterRows, mergeRows, rowsAsText } from "./rows";

const line = (
  id: number,
  t: number,
  more: Partial<FeedLine> = {},
): FeedLine => ({
  id,
  t,
  stream: "stdout",
  source: "app",
  text: `line ${id}`,
  ...more,
});
const message = (id: number, t: number): PageMessage => ({
  id,
  t,
  kind: "error",
  level: "error",
  text: `message ${id}`,
  detail: null,
  at: null,
});
const keys = (rows: { key: string }[]) => rows.map((row) => row.key);

describe("mergeRows", () => {
  it("puts messages between lines by time", () => {
    const rows = mergeRows(
      [line(1, 10), line(2, 20), line(3, 30)],
      [message(1, 5), message(2, 20), message(3, 40)],
    );
    expect(keys(rows)).toEqual(["p1", "l1", "l2", "p2", "l3", "p3"]);
  });

  it("gives the same row for the same line", () => {
    const one = line(1, 10);
    expect(mergeRows([one], [])[0]).toBe(mergeRows([one], [])[0]);
  });
});

describe("filterRows", () => {
  const rows = mergeRows(
    [
      line(1, 1),
      line(2, 2, { text: "Error: Oops" }),
      line(3, 3, { source: "install", text: "npm warn old" }),
    ],
    [message(1, 4)],
  );

  it("by how grave", () => {
    const level = (level: "info" | "warn" | "error") =>
      keys(filterRows(rows, { level, source: "all", query: "" }));
    expect(level("info")).toEqual(["l1", "l2", "l3", "p1"]);
    expect(level("warn")).toEqual(["l2", "l3", "p1"]);
    expect(level("error")).toEqual(["l2", "p1"]);
  });

  it("by source and by text, case aside", () => {
    expect(
      keys(filterRows(rows, { level: "info", source: "install", query: "" })),
    ).toEqual(["l3"]);
    expect(
      keys(filterRows(rows, { level: "info", source: "all", query: "oOPS" })),
    ).toEqual(["l2"]);
  });
});

describe("rowsAsText", () => {
  it("has time, source and state", () => {
    const rows = mergeRows(
      [line(1, 0), line(2, 0, { state: "crashed", text: "exit 1" })],
      [],
    );
    expect(rowsAsText(rows, (s) => s.toUpperCase())).toBe(
      "1970-01-01T00:00:00.000Z app line 1\n" +
        "1970-01-01T00:00:00.000Z app --- CRASHED: exit 1\n",
    );
  });
});
