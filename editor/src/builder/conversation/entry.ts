// One turn of the conversation and what keeps it up to date.

import { Problem } from "../../api/http";
import type { Generation } from "../../api/types";
import type { Ask, ConversationState } from "../context";
import type { Batch } from "./batch";
import type { LiveCounts } from "./liveCounts";
import type { AnyEvent, Progress } from "./progress";

const CLOCKS_APART_MS = 60_000;

export interface Entry {
  progress: Progress;
  events: Batch<AnyEvent>;
  counts: LiveCounts;
  /** Ends its connection, while it has one. */
  connection: AbortController | null;
}

/** A conversation of which nothing is known yet. */
export const NOTHING: ConversationState = {
  turns: [],
  running: null,
  loading: true,
  loadError: null,
  hasOlder: false,
  cancelling: false,
  unsent: null,
};

export const idOf = (entry: Entry): string => entry.progress.turn.id;

/** The connection broke before the first event. */
export const noAnswer = (): Problem =>
  new Problem({ type: "/problems/network", title: "", status: 0, detail: "" });

export const isSending = (entry: Entry): boolean =>
  entry.progress.turn.state === "sending";

/** Whether a generation is what came of a prompt sent at some time, by two clocks. */
export function isAnswer(row: Generation, ask: Ask, sentAt: number): boolean {
  // A fix without words gets the server's.
  const isWordless = ask.mode === "fix" && ask.prompt === "";
  return (
    row.mode === ask.mode &&
    (isWordless || row.prompt === ask.prompt) &&
    Date.parse(row.started_at) > sentAt - CLOCKS_APART_MS
  );
}
