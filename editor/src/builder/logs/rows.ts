// What the log shows: the app's lines and, if wanted, the page's messages between them, in the order of time.

import type { FeedLine, PageMessage } from "../context";
import { levelOf, type Level } from "./level";

export type Source = "install" | "app" | "page";

export interface LogRow {
  key: string;
  t: number;
  source: Source;
  level: Level;
  text: string;
  /** A change of the app's state: set apart from what is printed. */
  state: FeedLine["state"];
  isOurs: boolean;
}

export interface LogFilter {
  level: Level;
  source: Source | "all";
  query: string;
}

// Lines are the same objects from one snapshot to the next: each is looked at once.
const lineRows = new WeakMap<FeedLine, LogRow>();
const pageRows = new WeakMap<PageMessage, LogRow>();

function rowOfLine(line: FeedLine): LogRow {
  let row = lineRows.get(line);
  if (!row) {
    row = {
      key: `l${line.id}`,
      t: line.t,
      source: line.source,
      level: levelOf(line),
      text: line.text,
      state: line.state,
      isOurs: line.stream === "system",
    };
    lineRows.set(line, row);
  }
  return row;
}

function rowOfMessage(message: PageMessage): LogRow {
  let row = pageRows.get(message);
  if (!row) {
    const level = message.level;
    row = {
      key: `p${message.id}`,
      t: message.t,
      source: "page",
      level: level === "error" || level === "warn" ? level : "info",
      text: [message.text, message.detail].filter(Boolean).join("\n"),
      state: undefined,
      isOurs: false,
    };
    pageRows.set(message, row);
  }
  return row;
}

/** Both lists are in order already; a line goes before a message of the same moment. */
export function mergeRows(
  lines: readonly FeedLine[],
  messages: readonly PageMessage[],
): LogRow[] {
  const rows: LogRow[] = [];
  let m = 0;
  for (const line of lines) {
    for (; m < messages.length && messages[m]!.t < line.t; m++) {
      rows.push(rowOfMessage(messages[m]!));
    }
    rows.push(rowOfLine(line));
  }
  for (; m < messages.length; m++) {
    rows.push(rowOfMessage(messages[m]!));
  }
  return rows;
}

const GRAVITY: Record<Level, number> = { info: 0, warn: 1, error: 2 };

export function filterRows(
  rows: readonly LogRow[],
  { level, source, query }: LogFilter,
): LogRow[] {
  const needle = query.toLowerCase();
  return rows.filter(
    (row) =>
      GRAVITY[row.level] >= GRAVITY[level] &&
      (source === "all" || row.source === source) &&
      (needle === "" || row.text.toLowerCase().includes(needle)),
  );
}

/** The rows as a file of text. `stateName` gives a state its words. */
export function rowsAsText(
  rows: readonly LogRow[],
  stateName: (state: string) => string,
): string {
  return rows
    .map((row) => {
      const text = row.state
        ? [`--- ${stateName(row.state)}`, row.text].filter(Boolean).join(": ")
        : row.text;
      return `${new Date(row.t).toISOString()} ${row.source} ${text}\n`;
    })
    .join("");
}
