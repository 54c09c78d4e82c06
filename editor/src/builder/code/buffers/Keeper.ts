import type { Draft, Drafts } from "./drafts";

const KEEP_AFTER_MS = 250;

/** Keeps the unsaved texts of a project in this browser, and knows which it has kept. */
export class Keeper {
  readonly #projectId: string;
  readonly #drafts: Drafts;
  readonly #now: () => number;
  /** The mark of each text that is kept (see Doc). */
  readonly #marks = new Map<string, number>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #before: Map<string, Draft> | null = null;

  constructor(projectId: string, drafts: Drafts, now: () => number) {
    this.#projectId = projectId;
    this.#drafts = drafts;
    this.#now = now;
  }

  /** What was kept when the page was opened, by path; taken out by who restores it. */
  async fromBefore(): Promise<Map<string, Draft>> {
    if (!this.#before) {
      const all = await this.#drafts.list(this.#projectId).catch(() => []);
      this.#before ??= new Map(all.map((draft) => [draft.path, draft]));
    }
    return this.#before;
  }

  isKept(path: string, mark: number): boolean {
    return this.#marks.get(path) === mark;
  }

  /** Calls `keep` when no more is typed; once, however often this is said. */
  soon(path: string, keep: () => void): void {
    if (!this.#timers.has(path)) {
      const run = () => {
        this.#timers.delete(path);
        keep();
      };
      this.#timers.set(path, setTimeout(run, KEEP_AFTER_MS));
    }
  }

  /** false: the browser refused. */
  async put(
    path: string,
    text: string,
    etag: string | null,
    mark: number,
  ): Promise<boolean> {
    const projectId = this.#projectId;
    try {
      await this.#drafts.put({ projectId, path, text, etag, at: this.#now() });
      this.#marks.set(path, mark);
      return true;
    } catch {
      this.#marks.delete(path);
      return false;
    }
  }

  /** Not again; what is kept stays. */
  cancel(path: string): void {
    clearTimeout(this.#timers.get(path));
    this.#timers.delete(path);
  }

  forget(path: string): void {
    this.cancel(path);
    this.#marks.delete(path);
    void this.#drafts.remove(this.#projectId, path).catch(() => undefined);
  }
}
