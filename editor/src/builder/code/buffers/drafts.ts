// Edits that are not saved yet, kept in this browser (IndexedDB) until they are.

export interface DraftKey {
  projectId: string;
  path: string;
  /** The page that it was edited in (tabLock.ts). */
  tab: string;
}

export interface Draft extends DraftKey {
  text: string;
  /** The content that was edited; null: a file that was not there. */
  etag: string | null;
  at: number; // Unix ms
}

export interface Drafts {
  list(projectId: string): Promise<Draft[]>;
  put(draft: Draft): Promise<void>;
  remove(key: DraftKey): Promise<void>;
}

const NAME = "slipway";
const VERSION = 2;
const STORE = "drafts";
const MAX_AGE_MS = 30 * 24 * 3600 * 1000;
const MAX_DRAFTS = 200;

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () =>
      reject(request.error ?? new Error("the browser keeps nothing"));
  });
}

/** A write counts when its transaction has. */
function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () =>
      reject(transaction.error ?? new Error("the browser keeps nothing"));
  });
}

export class IndexedDbDrafts implements Drafts {
  #db: Promise<IDBDatabase> | null = null;

  #open(): Promise<IDBDatabase> {
    this.#db ??= this.#connect().catch((error: unknown) => {
      this.#db = null;
      throw error;
    });
    return this.#db;
  }

  async #connect(): Promise<IDBDatabase> {
    const opening = indexedDB.open(NAME, VERSION);
    opening.onupgradeneeded = () => {
      if (opening.result.objectStoreNames.contains(STORE)) {
        opening.result.deleteObjectStore(STORE); // keyed without the tab
      }
      const store = opening.result.createObjectStore(STORE, {
        keyPath: ["projectId", "path", "tab"],
      });
      store.createIndex("projectId", "projectId");
    };
    const db = await done(opening);
    db.onversionchange = () => db.close();
    return db;
  }

  async list(projectId: string): Promise<Draft[]> {
    const store = (await this.#open()).transaction(STORE).objectStore(STORE);
    return done<Draft[]>(store.index("projectId").getAll(projectId));
  }

  async put(draft: Draft): Promise<void> {
    const transaction = (await this.#open()).transaction(STORE, "readwrite");
    transaction.objectStore(STORE).put(draft);
    await committed(transaction);
  }

  async remove({ projectId, path, tab }: DraftKey): Promise<void> {
    const transaction = (await this.#open()).transaction(STORE, "readwrite");
    transaction.objectStore(STORE).delete([projectId, path, tab]);
    await committed(transaction);
  }

  /** Drops those nobody came back for. */
  async prune(now: number): Promise<void> {
    const db = await this.#open();
    const all = await done<Draft[]>(
      db.transaction(STORE).objectStore(STORE).getAll(),
    );
    const tooMany = all.sort((a, b) => b.at - a.at).slice(MAX_DRAFTS);
    const old = all.filter((draft) => now - draft.at > MAX_AGE_MS);
    for (const draft of new Set([...tooMany, ...old])) {
      await this.remove(draft);
    }
  }
}
