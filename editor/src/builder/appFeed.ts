// What the project's app does and prints: one stream of its log, and its status. Nothing is open while
// the page is hidden: a browser has six connections to a host on HTTP/1.1, for all its tabs.

import type { QueryClient } from "@tanstack/react-query";
import { isProblem, request, sendJson } from "../api/http";
import { filesChanged, getStatus, keys } from "../api/queries";
import { readSse, type SseMessage } from "../api/sse";
import type { AppStatus } from "../api/types";
import {
  addLines,
  beganAnew,
  hasLog,
  readItem,
  stateLine,
  statusGoodForMs,
} from "./appFeedParts";
import type { AppFeed, AppFeedState, FeedLine } from "./context";
import { Value } from "./store";

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15_000;
const STATUS_SOON_MS = 60; // several events of a moment are one question

/** Resolves after a while, or when the signal says so. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) {
      done();
    }
  });
}

class Feed extends Value<AppFeedState> implements AppFeed {
  readonly #path: string;
  #pending: FeedLine[] = [];
  #frame = 0;
  #lastId = 0;
  /** Ends the stream that is open, to open it again. */
  #stream = new AbortController();
  #lastSaid: string | null = null;
  #isReading = false;
  /** What is there has been read; what comes now happens now. */
  #isLive = false;
  /** Ends the wait for the next question after the status. */
  #poll = new AbortController();
  #soon: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly projectId: string,
    readonly client: QueryClient,
  ) {
    super({
      status: null,
      lines: [],
      starts: 0,
      reconnecting: false,
      asked: null,
    });
    this.#path = `/projects/${projectId}`;
  }

  start = () => this.#ask("start");
  stop = () => this.#ask("stop");
  restart = () => this.#ask("restart");

  refresh(): void {
    this.#askStatusSoon();
  }

  clear(): void {
    this.#pending = [];
    this.#set({ lines: [] });
  }

  /** Begins to follow; the function given back ends it. */
  connect(): () => void {
    const life = new AbortController();
    let session: AbortController | null = null;
    const look = () => {
      const wanted = document.visibilityState === "visible";
      if (wanted && !session) {
        session = new AbortController();
        void this.#followStatus(session.signal);
        void this.#followLog(session.signal);
      } else if (!wanted && session) {
        session.abort();
        session = null;
      }
    };
    const again = () => {
      session?.abort();
      session = null;
      look();
    };
    document.addEventListener("visibilitychange", look, {
      signal: life.signal,
    });
    window.addEventListener("online", again, { signal: life.signal });
    look();
    return () => {
      life.abort();
      session?.abort();
      clearTimeout(this.#soon);
      cancelAnimationFrame(this.#frame);
      this.#frame = 0;
      this.#flush();
    };
  }

  async #ask(asked: "start" | "stop" | "restart"): Promise<void> {
    this.#set({ asked });
    try {
      this.#setStatus(
        await sendJson<AppStatus>("POST", `${this.#path}/${asked}`, undefined, {
          timeoutMs: 60_000, // stop waits until nothing runs any more
        }),
      );
    } finally {
      this.#set({ asked: null });
    }
    this.#poll.abort();
  }

  async #followStatus(session: AbortSignal): Promise<void> {
    let failures = 0;
    while (!session.aborted) {
      this.#poll = new AbortController();
      const { signal } = this.#poll;
      try {
        this.#setStatus(await getStatus(this.projectId));
        if (failures > 0) {
          this.#stream.abort(); // a connection that was cut may look alive
        }
        failures = 0;
      } catch (error) {
        if (isProblem(error) && error.isFinal) {
          return; // gone, or signed out: what shows the project says so
        }
        failures++;
        this.#set({ reconnecting: true });
      }
      const ms = failures
        ? Math.min(RETRY_MIN_MS * 2 ** failures, RETRY_MAX_MS)
        : statusGoodForMs(this.getSnapshot().status);
      await pause(ms, AbortSignal.any([session, signal]));
    }
  }

  #askStatusSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#poll.abort();
    }, STATUS_SOON_MS);
  }

  async #followLog(session: AbortSignal): Promise<void> {
    let wait = RETRY_MIN_MS;
    while (!session.aborted) {
      this.#stream = new AbortController();
      const signal = AbortSignal.any([session, this.#stream.signal]);
      if (!hasLog(this.getSnapshot().status)) {
        await pause(RETRY_MAX_MS, signal); // #setStatus wakes it
        continue;
      }
      const before = this.#lastId;
      try {
        await this.#readLog(signal);
      } catch (error) {
        if (isProblem(error) && error.isFinal) {
          return;
        }
        if (!signal.aborted) {
          this.#set({ reconnecting: true });
        }
      }
      this.#isReading = false;
      const isNew = signal.aborted || this.#lastId > before;
      wait = isNew ? RETRY_MIN_MS : Math.min(wait * 2, RETRY_MAX_MS);
      await pause(wait, signal);
    }
  }

  async #readLog(signal: AbortSignal): Promise<void> {
    const response = await request(`${this.#path}/logs`, {
      headers: {
        Accept: "text/event-stream",
        ...(this.#lastId > 0 && { "Last-Event-ID": String(this.#lastId) }),
      },
      signal,
      timeoutMs: null,
    });
    this.#isReading = true;
    this.#isLive = false;
    this.#set({ reconnecting: false });
    for await (const message of readSse(response)) {
      this.#take(message);
    }
  }

  #take(message: SseMessage): void {
    const item = readItem(message, this.#lastId);
    if (item?.type === "line") {
      this.#lastId = Math.floor(item.line.id);
      this.#add(item.line);
    } else if (item) {
      this.#takeState(item.id, item.data);
    }
  }

  #takeState(id: number | null, data: Parameters<typeof stateLine>[1]): void {
    if (id !== null) {
      this.#lastId = id;
      // An event of the state has no time; an old one happened about when the line before it did.
      const before = this.#pending.at(-1) ?? this.getSnapshot().lines.at(-1);
      const t = this.#isLive ? Date.now() : (before?.t ?? Date.now());
      const line = stateLine(id, data, t);
      const said = line && `${line.state} ${line.text}`;
      if (line && said !== this.#lastSaid) {
        this.#add(line); // a port more is no other state
      }
      this.#lastSaid = said;
      if (this.#isLive && data.state === "running") {
        this.#set({ starts: this.getSnapshot().starts + 1 });
      }
    } else {
      this.#isLive = true;
      if (beganAnew(data, this.#lastId)) {
        this.#lastId = 0;
        this.#stream.abort();
      }
    }
    if (data.preview_url !== undefined) {
      this.#setStatus(data as AppStatus);
    } else {
      this.#askStatusSoon();
    }
  }

  #add(line: FeedLine): void {
    this.#pending.push(line);
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#flush();
    });
  }

  #flush(): void {
    const before = this.getSnapshot().lines;
    const lines = addLines(before, this.#pending);
    this.#pending = [];
    if (lines !== before) {
      this.#set({ lines });
    }
  }

  #setStatus(status: AppStatus): void {
    const before = this.getSnapshot().status;
    this.#set({ status, reconnecting: false });
    this.client.setQueryData(keys.status(this.projectId), status);
    if (before && status.version > before.version) {
      filesChanged(this.client, this.projectId); // maybe by somebody else
    }
    if (!this.#isReading && status.state !== before?.state) {
      this.#stream.abort(); // its wait is over: there may be something to read now
    }
  }

  #set(change: Partial<AppFeedState>): void {
    this.set({ ...this.getSnapshot(), ...change });
  }
}

/** The feed of one project. It is silent until `connect`. */
export function createAppFeed(
  projectId: string,
  client: QueryClient,
): AppFeed & { connect(): () => void } {
  return new Feed(projectId, client);
}
