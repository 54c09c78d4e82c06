import type { Draft, DraftKey, Drafts } from "./drafts";
import type { OpenTabs } from "./tabLock";

const KEEP_AFTER_MS = 250;

/** Keeps the unsaved texts of a project in this browser, and knows which it has kept. */
export class Keeper {
  readonly #projectId: string;
  readonly #drafts: Drafts;
  readonly #tabs: OpenTabs;
  readonly #now: () => number;
  /** The mark of each text that is kept (see Doc). */
  readonly #marks = new Map<string, number>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** Edits from before that are this page's now: dropped as soon as it has kept them itself. */
  readonly #adopted = new Map<string, Draft>();
  readonly #taken = new Set<Draft>();
  readonly #areOpen = new Map<string, Promise<boolean>>();
  #rows: Promise<Draft[]> | null = null;

  constructor(
    projectId: string,
    drafts: Drafts,
    tabs: OpenTabs,
    now: () => number,
  ) {
    this.#projectId = projectId;
    this.#drafts = drafts;
    this.#tabs = tabs;
    this.#now = now;
  }

  #isOurs(draft: DraftKey): boolean {
    return draft.tab === this.#tabs.id;
  }

  /** What had been kept when the project was opened, newest first. */
  #kept(): Promise<Draft[]> {
    this.#rows ??= this.#drafts.list(this.#projectId).then(
      (all) =>
        all
          .filter(
            (draft) => !this.#isOurs(draft) || !this.#marks.has(draft.path),
          )
          .sort((a, b) => b.at - a.at),
      () => [],
    );
    return this.#rows;
  }

  /** Not what another tab is still editing. */
  async #isLeft({ tab }: Draft): Promise<boolean> {
    let isOpen = this.#areOpen.get(tab);
    if (!isOpen) {
      isOpen = this.#tabs.isOtherOpen(tab);
      this.#areOpen.set(tab, isOpen);
    }
    return !(await isOpen);
  }

  async pathsFromBefore(): Promise<string[]> {
    const kept = await this.#kept();
    const areLeft = await Promise.all(kept.map((draft) => this.#isLeft(draft)));
    const left = kept.filter((_, i) => areLeft[i]);
    return [...new Set(left.map(({ path }) => path))];
  }

  /** The newest edits of a file from before, until they are taken. */
  async fromBefore(path: string): Promise<Draft | null> {
    for (const draft of await this.#kept()) {
      const isIt = draft.path === path && !this.#taken.has(draft);
      if (isIt && (await this.#isLeft(draft))) {
        return draft;
      }
    }
    return null;
  }

  take(draft: Draft | null): void {
    if (draft) {
      this.#taken.add(draft);
    }
  }

  adopt(draft: Draft): void {
    this.#adopted.set(draft.path, draft);
  }

  discard(draft: DraftKey): void {
    void this.#drafts.remove(draft).catch(() => undefined);
  }

  #dropAdopted(path: string): void {
    const adopted = this.#adopted.get(path);
    this.#adopted.delete(path);
    if (adopted && !this.#isOurs(adopted)) {
      this.discard(adopted);
    }
  }

  #key(path: string): DraftKey {
    return { projectId: this.#projectId, path, tab: this.#tabs.id };
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
    try {
      const at = this.#now();
      await this.#drafts.put({ ...this.#key(path), text, etag, at });
      this.#marks.set(path, mark);
      this.#dropAdopted(path);
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
    this.#dropAdopted(path);
    this.discard(this.#key(path));
  }
}
