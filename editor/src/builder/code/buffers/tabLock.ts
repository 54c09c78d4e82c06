// Which of the browser's tabs are open, so that one does not offer what another is still editing. Each page
// holds a lock named by its id; the browser lets go of it when the page is gone, however that came.

const LOCK = "slipway-editor-";
/** After a reload the page before may be going still. */
const GOING_MS = 1000;

export interface OpenTabs {
  /** This page's own. */
  readonly id: string;
  /** It is another tab than this page's, and open. */
  isOtherOpen(id: string): Promise<boolean>;
}

function makeId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((n) => n.toString(16).padStart(2, "0")).join("");
}

export class LockedTabs implements OpenTabs {
  readonly id = makeId();
  /** Missing where a page is not secure (http, and not of this machine): then no other tab is known of. */
  readonly #locks: LockManager | undefined = navigator.locks;

  constructor() {
    this.#locks
      ?.request(LOCK + this.id, () => new Promise<never>(() => {}))
      .catch(() => undefined);
  }

  async isOtherOpen(id: string): Promise<boolean> {
    if (!this.#locks || id === this.id) {
      return false;
    }
    try {
      const signal = AbortSignal.timeout(GOING_MS);
      await this.#locks.request(LOCK + id, { signal }, () => undefined);
      return false;
    } catch {
      return true;
    }
  }
}
