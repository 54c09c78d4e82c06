// Whether the server can be reached. Requests say when they got no answer; from then on /healthz is asked
// until it answers, so that the page comes back by itself.

import { useSyncExternalStore } from "react";
import { setOnNoAnswer } from "../api/http";

/** `back`: reached again, for a moment. */
export type Reach = "reached" | "offline" | "unreachable" | "back";

const BACK_MS = 3000;
const FIRST_WAIT_MS = 1000;
const MAX_WAIT_MS = 10_000;
const PROBE_TIMEOUT_MS = 5000;

async function askHealth(): Promise<boolean> {
  try {
    const answer = await fetch("/healthz", {
      cache: "no-store",
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    return answer.ok;
  } catch {
    return false;
  }
}

export class Connection {
  #reach: Reach;
  #probe: () => Promise<boolean>;
  #waitMs = FIRST_WAIT_MS;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isProbing = false;
  #listeners = new Set<() => void>();

  constructor(probe = askHealth, isOnline = navigator.onLine) {
    this.#probe = probe;
    this.#reach = isOnline ? "reached" : "offline";
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  getSnapshot = (): Reach => this.#reach;

  get isReached(): boolean {
    return this.#reach === "reached" || this.#reach === "back";
  }

  /** The browser's word: no network at all. */
  offline(): void {
    this.#stop();
    this.#set("offline");
  }

  /** There is a network again, or somebody asks to try at once. */
  retry(): void {
    this.#stop();
    this.#waitMs = FIRST_WAIT_MS;
    void this.#ask();
  }

  /** A request got no answer: find out whether it was that one or the server. */
  missed(): void {
    if (this.isReached) {
      void this.#ask();
    }
  }

  async #ask(): Promise<void> {
    if (this.#isProbing) {
      return;
    }
    this.#isProbing = true;
    const isThere = await this.#probe();
    this.#isProbing = false;
    if (isThere) {
      this.#waitMs = FIRST_WAIT_MS;
      if (!this.isReached) {
        this.#set("back");
        this.#after(BACK_MS, () => this.#set("reached"));
      }
      return;
    }
    if (this.isReached) {
      this.#set("unreachable");
    }
    this.#after(this.#waitMs, () => void this.#ask());
    this.#waitMs = Math.min(this.#waitMs * 2, MAX_WAIT_MS);
  }

  #after(ms: number, what: () => void): void {
    this.#stop();
    this.#timer = setTimeout(() => {
      this.#timer = null;
      what();
    }, ms);
  }

  #stop(): void {
    if (this.#timer) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }

  #set(reach: Reach): void {
    if (reach !== this.#reach) {
      this.#reach = reach;
      for (const listener of this.#listeners) {
        listener();
      }
    }
  }
}

export const connection = new Connection();

setOnNoAnswer(() => connection.missed());
addEventListener("offline", () => connection.offline());
addEventListener("online", () => connection.retry());

export const useReach = (): Reach =>
  useSyncExternalStore(connection.subscribe, connection.getSnapshot);
