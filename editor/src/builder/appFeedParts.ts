// What the app's feed is made of: lines kept once each, and when to ask for the status again.

import type { SseMessage } from "../api/sse";
import type { AppStatus, LogLine } from "../api/types";
import type { FeedLine } from "./context";

export const LINES_MAX = 2000; // as many as the sandbox keeps

/** An event `state`: the app's part of the status, and of a sandbox that does not run all of it. */
export type StateData = Partial<AppStatus> & { last_log_id?: number };

export type FeedItem =
  | { type: "line"; line: FeedLine }
  | { type: "state"; id: number | null; data: StateData };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/**
 * What a message of the stream says, or null. `lastId` is that of the newest one read: what has none
 * of its own repeats it.
 */
export function readItem(message: SseMessage, lastId: number): FeedItem | null {
  let data: unknown;
  try {
    data = JSON.parse(message.data);
  } catch {
    return null;
  }
  if (!isObject(data)) {
    return null;
  }
  const id = Number(message.id);
  const own = message.id !== "" && Number.isFinite(id) && id > lastId;
  if (message.event === "state") {
    return { type: "state", id: own ? id : null, data: data as StateData };
  }
  if (message.event !== "log" || typeof data.text !== "string") {
    return null;
  }
  if (!own && typeof data.t === "number") {
    return null; // seen before
  }
  // "… lines are left out here" has neither id nor time: it stands behind the line before it.
  const line = data as unknown as LogLine;
  return {
    type: "line",
    line: {
      id: own ? id : lastId + 0.5,
      t: typeof line.t === "number" ? line.t : Date.now(),
      stream: line.stream,
      source: line.source,
      text: line.text,
    },
  };
}

/** The newest LINES_MAX of both; `more` is newer than `lines`. */
export function addLines(
  lines: readonly FeedLine[],
  more: readonly FeedLine[],
): readonly FeedLine[] {
  return more.length === 0 ? lines : [...lines, ...more].slice(-LINES_MAX);
}

/** A change of the app's state as a line of its log; null for one that is of no interest there. */
export function stateLine(
  id: number,
  data: StateData,
  t: number,
): FeedLine | null {
  if (!data.state) {
    return null;
  }
  const text = data.state === "running" ? "" : (data.error ?? "");
  return {
    id,
    t,
    stream: "system",
    source: "app",
    text,
    state: data.state,
  };
}

/** A sandbox that counts from less than what was read is another one: begin at its beginning. */
export function beganAnew(data: StateData, lastId: number): boolean {
  return typeof data.last_log_id === "number" && data.last_log_id < lastId;
}

/** How long a status stays good. Changes of a running app are told by its stream. */
export function statusGoodForMs(status: AppStatus | null): number {
  switch (status?.state) {
    case "running":
      // Files that are on their way are there in a moment; others may change them, too.
      return status.hydrated_version === status.version ? 4_000 : 300;
    case "stopped":
    case "exited":
    case "crashed":
    case "failed":
      return 4_000;
    default:
      return 1_500;
  }
}

/** Whether there can be a sandbox whose log is to be followed. */
export function hasLog(status: AppStatus | null): boolean {
  return (
    status !== null &&
    status.state !== "stopped" &&
    status.state !== "waiting" &&
    status.state !== "failed"
  );
}
