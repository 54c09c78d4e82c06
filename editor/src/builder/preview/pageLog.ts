// What the page in the preview says: the newest messages of its inspector.

import type { PageLog, PageMessage } from "../context";
import { Value } from "../store";

export const MESSAGES_MAX = 500;

class Messages extends Value<readonly PageMessage[]> implements PageLog {
  #pending: PageMessage[] = [];
  #isWaiting = false;
  #lastId = 0;

  /** A page that says a hundred things in a moment is shown once. */
  add(message: Omit<PageMessage, "id">): void {
    this.#pending.push({ ...message, id: ++this.#lastId });
    if (!this.#isWaiting) {
      this.#isWaiting = true;
      requestAnimationFrame(() => this.#show());
    }
  }

  clear(): void {
    this.#pending = [];
    this.set([]);
  }

  #show(): void {
    this.#isWaiting = false;
    const all = [...this.getSnapshot(), ...this.#pending];
    this.#pending = [];
    this.set(all.slice(-MESSAGES_MAX));
  }
}

export function createPageLog(): PageLog {
  return new Messages([]);
}
