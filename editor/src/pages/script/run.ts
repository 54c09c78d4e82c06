// One run of a piece of code, as it happens.

import { request } from "../../api/http";
import { readSse, type SseMessage } from "../../api/sse";
import type { ProblemBody, RunResult } from "../../api/types";

export interface Segment {
  stream: "stdout" | "stderr";
  text: string;
}

export type Exit = Omit<RunResult, "output" | "error">;

export type RunPhase = "idle" | "starting" | "running" | "ended";

export interface RunState {
  phase: RunPhase;
  segments: readonly Segment[];
  /** Unix ms, of the first byte of the answer. */
  startedAt: number | null;
  exit: Exit | null;
  /** What kept it from running, or broke it off. */
  error: unknown;
  stoppedByUser: boolean;
}

export interface RunRequest {
  code: string;
  stdin: string;
  timeoutMs: number;
}

const IDLE: RunState = {
  phase: "idle",
  segments: [],
  startedAt: null,
  exit: null,
  error: null,
  stoppedByUser: false,
};

/** The run ended without saying how. */
export class CutOff extends Error {}

const SEGMENT_CHARACTERS = 8192;

/** Adds to the last segment while the stream is the same: neither a node a line nor one that grows for ever. */
export function addText(
  segments: readonly Segment[],
  more: Segment,
): Segment[] {
  const last = segments.at(-1);
  return last?.stream === more.stream && last.text.length < SEGMENT_CHARACTERS
    ? [...segments.slice(0, -1), { ...last, text: last.text + more.text }]
    : [...segments, more];
}

export class ScriptRun {
  #state = IDLE;
  #listeners = new Set<() => void>();
  #abort: AbortController | null = null;
  #frame = 0;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  getSnapshot = (): RunState => this.#state;

  get isBusy(): boolean {
    return this.#abort !== null;
  }

  async start({ code, stdin, timeoutMs }: RunRequest): Promise<void> {
    if (this.#abort) {
      return;
    }
    const abort = new AbortController();
    this.#abort = abort;
    this.#state = IDLE;
    this.#set({ phase: "starting" });
    try {
      const response = await request("/execute", {
        method: "POST",
        json: { code, stdin: stdin || null, timeout_ms: timeoutMs },
        headers: { Accept: "text/event-stream" },
        signal: abort.signal,
        timeoutMs: null,
      });
      this.#set({ phase: "running", startedAt: Date.now() });
      for await (const message of readSse(response)) {
        this.#take(message);
      }
      if (!this.#state.exit && !this.#state.error) {
        throw new CutOff();
      }
    } catch (error) {
      if (abort.signal.aborted) {
        this.#set({ stoppedByUser: true });
      } else {
        // Once it runs, whatever breaks the connection cuts it off.
        const isBegun = this.#state.phase === "running";
        this.#set({ error: isBegun ? new CutOff() : error });
      }
    } finally {
      this.#abort = null;
      this.#set({ phase: "ended" });
    }
  }

  stop(): void {
    this.#abort?.abort();
  }

  clear(): void {
    if (!this.#abort) {
      this.#state = IDLE;
      this.#set({});
    }
  }

  #take({ event, data }: SseMessage): void {
    if (event === "stdout" || event === "stderr") {
      const { data: text } = JSON.parse(data) as { data: string };
      this.#print({ stream: event, text });
    } else if (event === "exit") {
      this.#set({ exit: JSON.parse(data) as Exit });
    } else if (event === "error") {
      const problem = JSON.parse(data) as ProblemBody;
      this.#set({ error: new Error(problem.detail || problem.title) });
    }
  }

  #set(change: Partial<RunState>): void {
    this.#state = { ...this.#state, ...change };
    this.#notify();
  }

  /** Words may come faster than they can be shown: once a frame is enough. */
  #print(segment: Segment): void {
    this.#state = {
      ...this.#state,
      segments: addText(this.#state.segments, segment),
    };
    this.#frame ||= requestAnimationFrame(() => this.#notify());
  }

  #notify(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}
