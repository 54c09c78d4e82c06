// What the panes of the builder share. Each store is a class that panes subscribe to (useSyncExternalStore
// through `useStore`), so that a word that streams in renders the chat and nothing else.

import { createContext, useContext, useSyncExternalStore } from "react";
import type { Tab } from "../app/paths";
import type {
  AppStatus,
  GenerationState,
  LogLine,
  Mode,
  PreviewEvent,
  ProblemBody,
  StepEvent,
} from "../api/types";

/** Something that changes; `getSnapshot` gives the same object until it has. */
export interface Store<T> {
  subscribe(listener: () => void): () => void;
  getSnapshot(): T;
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(
    (listener) => store.subscribe(listener),
    () => store.getSnapshot(),
  );
}

/**
 * A part of a store's state: what uses it is rendered when that part changes, not with every word. `select`
 * gives the same value for the same state.
 */
export function useSelected<T, S>(store: Store<T>, select: (state: T) => S): S {
  return useSyncExternalStore(
    (listener) => store.subscribe(listener),
    () => select(store.getSnapshot()),
  );
}

/* The conversation: builder/conversation */

export interface TurnFile {
  path: string;
  state: "writing" | "written" | "deleted" | "refused";
  /** What is there of it so far; only while the turn runs and for turns seen running. */
  text: string | null;
  reason: string | null;
  /** Lines against the version before the turn; while it is written, of what is there so far. */
  additions: number | null;
  deletions: number | null;
}

export interface TurnStep {
  name: StepEvent["name"];
  last: StepEvent;
  /** Unix ms, of the first event of this step. */
  startedAt: number;
  output: {
    stream: "stdout" | "stderr" | "system" | "response";
    text: string;
  }[];
}

export interface Turn {
  /** The generation's id, or one of this page's until the server has given one. */
  id: string;
  /** Stays the same when the id is given. */
  key: string;
  mode: Mode;
  prompt: string;
  model: string | null;
  /** `sending`: the server has not answered yet. */
  state: "sending" | GenerationState;
  reply: string;
  files: TurnFile[];
  steps: TurnStep[];
  baseVersion: number | null;
  version: number | null;
  /** What `version` was made upon: the base version, or what others made of it meanwhile. */
  parent: number | null;
  /** Files that somebody else changed while the model wrote them. */
  overwrote: string[];
  preview: PreviewEvent | null;
  error: ProblemBody | null;
  startedAt: number; // Unix ms
  finishedAt: number | null;
  /** The connection is lost and being made again. */
  reconnecting: boolean;
}

export interface ConversationState {
  /** Oldest first. */
  turns: Turn[];
  /** The last one, while it runs or is being sent. */
  running: Turn | null;
  /** The turns from before are being fetched. */
  loading: boolean;
  loadError: unknown;
  hasOlder: boolean;
  /** Cancelling was asked for and has not happened yet. */
  cancelling: boolean;
  /** What the server did not take. Its words are in the box again, unless it is sent again by itself. */
  unsent: Unsent | null;
}

export interface Unsent {
  ask: Ask;
  error: unknown;
  /** Unix ms: when it is sent again by itself; null: not at all. */
  retryAt: number | null;
}

export interface Ask {
  prompt: string;
  mode: Mode;
  model?: string;
}

export interface Conversation extends Store<ConversationState> {
  /** Without a model: the one that is chosen. */
  ask(ask: Ask): void;
  cancel(): Promise<void>;
  loadOlder(): void;
  /** Loads what could not be loaded. */
  reload(): void;
  /** Forgets what was not sent: it is sent no more. */
  dropUnsent(): void;
  /** What is in the box, kept for the project. */
  draft: Store<string> & {
    set(text: string): void;
    /** Puts words before what is there. */
    putBack(words: string): void;
  };
}

/* What the app does and prints: builder/appFeed.ts */

/** A line of the log, or a change of the app's state between lines. */
export interface FeedLine extends LogLine {
  id: number;
  state?: AppStatus["state"];
}

export interface AppFeedState {
  /** null until the first answer. */
  status: AppStatus | null;
  lines: readonly FeedLine[];
  /** How often it began to answer while this page looked: a watcher starts it anew for changed files. */
  starts: number;
  /** Lost; being made again. */
  reconnecting: boolean;
  /** What was asked of it and has not been answered yet. */
  asked: "start" | "stop" | "restart" | null;
}

export interface AppFeed extends Store<AppFeedState> {
  start(): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
  /** The status is asked for now: something happened that may change it. */
  refresh(): void;
  clear(): void;
}

/* What the page in the preview says: builder/preview/pageLog.ts */

export interface PageMessage {
  id: number;
  t: number; // Unix ms
  kind: "console" | "error" | "network";
  level: "debug" | "log" | "info" | "warn" | "error";
  text: string;
  detail: string | null; // a stack, a status
  at: { url: string; line: number; column: number } | null;
}

export interface PageLog extends Store<readonly PageMessage[]> {
  add(message: Omit<PageMessage, "id">): void;
  clear(): void;
}

/** A file that somebody clicked on. `count` tells one click from the next. */
export interface FileRequest {
  path: string;
  at: { line: number; column?: number } | null;
  count: number;
}

export interface Builder {
  projectId: string;
  /** The pane that is shown; the others do no work. */
  tab: Tab;
  show(tab: Tab): void;
  /** Shows a file of the project in the code pane. */
  openFile(path: string, at?: { line: number; column?: number }): void;
  /** What openFile was last called with: the code pane follows it. */
  fileRequest: Store<FileRequest | null>;
  conversation: Conversation;
  app: AppFeed;
  pageLog: PageLog;
}

export const BuilderContext = createContext<Builder | null>(null);

export function useBuilder(): Builder {
  const builder = useContext(BuilderContext);
  if (!builder) {
    throw new Error("useBuilder outside of a builder");
  }
  return builder;
}
