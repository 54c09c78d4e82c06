// Reads a generation's events and comes back to them by id, however often the connection breaks.

import { getJson, isProblem, request } from "../../api/http";
import { readSse, SseParser } from "../../api/sse";
import type { Generation } from "../../api/types";
import type { AnyEvent } from "./progress";

/** The server waits 20 s for something to say, and then closes. */
const SILENCE_MS = 30_000;
const WAIT_MIN_MS = 500;
const WAIT_MAX_MS = 8000;
const HIDDEN_POLL_MS = 10_000;
/** After this long without a word a page that comes back asks anew, instead of trusting its connection. */
const STALE_MS = 5000;
const SKEW_MIN_MS = 2000;

/** Waits; a network that comes back, or a page that is shown again, ends it early. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer);
      removeEventListener("online", finish);
      document.removeEventListener("visibilitychange", onVisible);
      signal.removeEventListener("abort", onAbort);
      resolve();
    };
    const onVisible = () => !document.hidden && finish();
    const onAbort = () => {
      finish();
      reject(signal.reason);
    };
    const timer = setTimeout(finish, ms);
    addEventListener("online", finish);
    document.addEventListener("visibilitychange", onVisible);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) {
      onAbort();
    }
  });
}

/** Ends a stream that has gone silent: a lid was closed, a network changed. */
export class Watch {
  readonly #stalled = new AbortController();
  readonly signal: AbortSignal;
  #heardAt = Date.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(signal: AbortSignal) {
    this.signal = AbortSignal.any([signal, this.#stalled.signal]);
    addEventListener("offline", this.#break);
    document.addEventListener("visibilitychange", this.#onVisible);
    this.heard();
  }

  heard(): void {
    this.#heardAt = Date.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#break, SILENCE_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    removeEventListener("offline", this.#break);
    document.removeEventListener("visibilitychange", this.#onVisible);
  }

  #break = (): void => this.#stalled.abort(new Error("the stream went silent"));

  #onVisible = (): void => {
    if (!document.hidden && Date.now() - this.#heardAt > STALE_MS) {
      this.#break();
    }
  };
}

/** How far this computer's clock is ahead of the server's. */
function skewOf(response: Response): number {
  const skew = Date.now() - Date.parse(response.headers.get("Date") ?? "");
  return Math.abs(skew) > SKEW_MIN_MS ? skew : 0;
}

function eventOf(
  message: { id: string; event: string; data: string },
  skew: number,
): AnyEvent | null {
  let data: unknown;
  try {
    data = JSON.parse(message.data);
  } catch {
    return null;
  }
  const step = data as { at?: unknown };
  if (message.event === "step" && typeof step?.at === "number") {
    data = { ...step, at: step.at + skew };
  }
  return { id: Number(message.id), type: message.event, data };
}

/** Passes an answer's events on; whether the last one, `done`, was among them. */
export async function readEvents(
  response: Response,
  watch: Watch,
  onEvent: (event: AnyEvent) => void,
): Promise<boolean> {
  const skew = skewOf(response);
  for await (const message of readSse(response, new SseParser())) {
    watch.heard();
    const event = eventOf(message, skew);
    if (event) {
      onEvent(event);
    }
    if (message.event === "done") {
      return true;
    }
  }
  return false;
}

export interface Followed {
  projectId: string;
  id: string;
  /** The id of the last event there is. */
  after: () => number;
  onEvent: (event: AnyEvent) => void;
  onLost: (isLost: boolean) => void;
  signal: AbortSignal;
}

export const generationPath = (projectId: string, id: string) =>
  `/projects/${projectId}/generations/${id}`;

/** One connection: whether the generation has ended. */
async function attach(followed: Followed): Promise<boolean> {
  const { projectId, id, after, onEvent, onLost, signal } = followed;
  const watch = new Watch(signal);
  try {
    const response = await request(
      `${generationPath(projectId, id)}/events?after=${after()}`,
      { signal: watch.signal, timeoutMs: null },
    );
    onLost(false);
    return (
      response.status === 204 || (await readEvents(response, watch, onEvent))
    );
  } finally {
    watch.stop();
  }
}

/** All that is stored of a generation that has ended. */
export async function readStored(
  projectId: string,
  id: string,
  signal: AbortSignal,
): Promise<AnyEvent[]> {
  const events: AnyEvent[] = [];
  const watch = new Watch(signal);
  try {
    const response = await request(
      `${generationPath(projectId, id)}/events?after=0`,
      { signal: watch.signal, timeoutMs: null },
    );
    await readEvents(response, watch, (event) => events.push(event));
  } finally {
    watch.stop();
  }
  return events;
}

/** A hidden page asks now and then whether it is over; a watched one holds a connection. */
async function waitWhileHidden(followed: Followed): Promise<void> {
  while (document.hidden) {
    await pause(HIDDEN_POLL_MS, followed.signal);
    const path = generationPath(followed.projectId, followed.id);
    const row = await getJson<Generation>(path, { signal: followed.signal });
    if (row.state !== "running") {
      return;
    }
  }
}

/**
 * Follows a generation to its end. Throws when it is aborted, and what the server says for good: that there
 * is no such generation, or that nobody is signed in.
 */
export async function follow(followed: Followed): Promise<void> {
  const { signal, onLost } = followed;
  let waitMs = WAIT_MIN_MS;
  for (;;) {
    let askAfterMs = waitMs;
    try {
      if (await attach(followed)) {
        return;
      }
      await waitWhileHidden(followed);
      waitMs = WAIT_MIN_MS;
      askAfterMs = 0;
    } catch (error) {
      signal.throwIfAborted();
      if (isProblem(error) && error.isFinal) {
        throw error;
      }
      onLost(true);
      const wantedMs = isProblem(error) ? (error.retryAfterS ?? 0) * 1000 : 0;
      askAfterMs = Math.max(waitMs, wantedMs);
      waitMs = Math.min(waitMs * 2, WAIT_MAX_MS);
    }
    await pause(askAfterMs, signal);
  }
}
