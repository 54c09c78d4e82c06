import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../../../api/http";
import type { Change, Changed, FileList } from "../../../api/types";
import type { Doc, MakeDoc } from "./buffer";
import { BufferStore } from "./BufferStore";
import type { Draft, DraftKey, Drafts } from "./drafts";
import type { FileApi } from "./fileApi";

/** A text with undo, as Monaco's models are. */
class FakeDoc implements Doc {
  #states: string[];
  #mark = 1;
  #listeners: (() => void)[] = [];

  constructor(text: string) {
    this.#states = [text];
  }
  getText(): string {
    return this.#states.at(-1)!;
  }
  setText(text: string): void {
    if (text !== this.getText()) {
      this.#states.push(text);
      this.#mark = this.#states.length;
      this.#listeners.forEach((listener) => listener());
    }
  }
  undo(): void {
    this.#states.pop();
    this.#mark = this.#states.length;
    this.#listeners.forEach((listener) => listener());
  }
  mark(): number {
    return this.#mark;
  }
  onEdit(listener: () => void): void {
    this.#listeners.push(listener);
  }
  dispose(): void {
    this.#listeners = [];
  }
}

const keyOf = ({ path, tab }: DraftKey) => `${path} of ${tab}`;

class MemoryDrafts implements Drafts {
  all = new Map<string, Draft>();
  fails = false;
  list() {
    return Promise.resolve([...this.all.values()]);
  }
  put(draft: Draft) {
    if (this.fails) {
      return Promise.reject(new Error("full"));
    }
    this.all.set(keyOf(draft), draft);
    return Promise.resolve();
  }
  remove(key: DraftKey) {
    this.all.delete(keyOf(key));
    return Promise.resolve();
  }
}

const problem = (status: number, more: object = {}) =>
  new Problem({ type: "", title: "", status, detail: "", ...more });

/** A project on a server: each write is a version. */
class FakeServer implements FileApi {
  version = 0;
  files = new Map<string, { bytes: Uint8Array<ArrayBuffer>; etag: string }>();
  offline = false;
  calls: { changes: Change[]; base: number | null }[] = [];

  put(path: string, content: string | number[]): void {
    this.version++;
    const bytes =
      typeof content === "string"
        ? new TextEncoder().encode(content)
        : new Uint8Array(content);
    this.files.set(path, { bytes, etag: `"v${this.version}"` });
  }
  text(path: string): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
      this.files.get(path)?.bytes,
    );
  }
  listNow(): FileList {
    return {
      version: this.version,
      next: null,
      items: [...this.files].map(([path, { bytes, etag }]) => ({
        path,
        size: bytes.length,
        mode: "0644",
        etag,
      })),
    };
  }
  list() {
    return Promise.resolve(this.listNow());
  }
  read(path: string) {
    return this.offline
      ? Promise.reject(problem(0))
      : Promise.resolve(this.files.get(path) ?? null);
  }
  change(changes: Change[], base: number | null): Promise<Changed> {
    this.calls.push({ changes, base });
    if (this.offline) {
      return Promise.reject(problem(0));
    }
    const conflicts = changes
      .map(({ path }) => path)
      .filter(
        (path) =>
          Number(this.files.get(path)?.etag.replace(/\D/g, "") ?? 0) >
          (base ?? 0),
      );
    if (conflicts.length > 0) {
      return Promise.reject(problem(412, { conflicts, version: this.version }));
    }
    const parent = this.version;
    for (const change of changes) {
      if (change.op === "write") {
        this.put(change.path, change.content);
      }
    }
    this.version = parent + 1;
    const written = changes.map(({ path }) => {
      const file = this.files.get(path)!;
      file.etag = `"v${this.version}"`;
      return { path, size: file.bytes.length, mode: "0644", etag: file.etag };
    });
    return Promise.resolve({ version: this.version, parent, files: written });
  }
}

let server: FakeServer;
let drafts: MemoryDrafts;
let store: BufferStore;
let docs: Map<string, FakeDoc>;
let openTabs: Set<string>;
let tabCount: number;
let now: number;

/** Of a page of its own. */
function makeStore(id = `tab ${++tabCount}`): BufferStore {
  docs = new Map();
  openTabs.add(id);
  const makeDoc: MakeDoc = (path, content) => {
    const doc = new FakeDoc(content.text);
    docs.set(path, doc);
    return doc;
  };
  return new BufferStore({
    projectId: "p",
    api: server,
    drafts,
    tabs: {
      id,
      isOtherOpen: (tab) => Promise.resolve(tab !== id && openTabs.has(tab)),
    },
    docs: () => Promise.resolve(makeDoc),
    onSaved: () => store.filesListed(server.listNow()),
    now: () => now,
  });
}

const settle = () => vi.advanceTimersByTimeAsync(1000);
const state = (path: string) => store.get(path)?.state;

async function opened(path: string): Promise<FakeDoc> {
  store.open(path);
  store.filesListed(server.listNow());
  await settle();
  return docs.get(path)!;
}

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  drafts = new MemoryDrafts();
  openTabs = new Set();
  tabCount = 0;
  now = 1000;
  server.put("a.js", "one\n");
  server.put("b.js", "b\n");
  store = makeStore();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("loading", () => {
  it("waits for the list, then has the text", async () => {
    store.open("a.js");
    await settle();
    expect(state("a.js")).toBe("loading");
    const doc = await opened("a.js");
    expect(state("a.js")).toBe("clean");
    expect(doc.getText()).toBe("one\n");
  });

  it("tells what is no text, too large, or not there", async () => {
    server.put("x.dat", [0xff, 0, 1]);
    server.put("large.txt", "x".repeat(1024 * 1024 + 1));
    server.put("huge.txt", "x".repeat(5 * 1024 * 1024 + 1));
    await opened("x.dat");
    await opened("large.txt");
    await opened("huge.txt");
    await opened("gone.txt");
    expect(state("x.dat")).toBe("notText");
    expect(state("huge.txt")).toBe("tooLarge");
    expect(state("gone.txt")).toBe("missing");
    expect(state("large.txt")).toBe("asking");
    store.reload("large.txt");
    await settle();
    expect(state("large.txt")).toBe("clean");
  });

  it("shows a file as soon as there is one", async () => {
    await opened("new.txt");
    server.put("new.txt", "hello");
    store.filesListed(server.listNow());
    await settle();
    expect(docs.get("new.txt")?.getText()).toBe("hello");
  });
});

describe("saving", () => {
  it("makes one version of several files", async () => {
    (await opened("a.js")).setText("two\n");
    (await opened("b.js")).setText("bb\n");
    expect(store.unsaved()).toEqual(["a.js", "b.js"]);
    await store.save(store.unsaved());
    expect(server.calls).toHaveLength(1);
    expect(server.calls[0]?.base).toBe(2);
    expect(store.unsaved()).toEqual([]);
    expect(server.text("a.js")).toBe("two\n");
  });

  it("keeps the byte order mark", async () => {
    server.put("bom.txt", "\uFEFFhello");
    const doc = await opened("bom.txt");
    expect(doc.getText()).toBe("hello");
    doc.setText("bye");
    await store.save(["bom.txt"]);
    expect(server.text("bom.txt")).toBe("\uFEFFbye");
  });

  it("is clean again after undo, and forgets what it kept", async () => {
    const doc = await opened("a.js");
    doc.setText("two\n");
    await settle();
    expect(drafts.all.get("a.js of tab 1")?.text).toBe("two\n");
    doc.undo();
    expect(state("a.js")).toBe("clean");
    await settle();
    expect(drafts.all.size).toBe(0);
  });

  it("stays unsaved when it was edited meanwhile", async () => {
    const doc = await opened("a.js");
    doc.setText("two\n");
    const saving = store.save(["a.js"]);
    await Promise.resolve();
    doc.setText("three\n");
    await saving;
    expect(state("a.js")).toBe("dirty");
    await store.save(["a.js"]);
    expect(server.text("a.js")).toBe("three\n");
  });

  it("tries again by itself when there was no connection", async () => {
    (await opened("a.js")).setText("two\n");
    server.offline = true;
    await store.save(["a.js"]);
    expect(state("a.js")).toBe("unsent");
    server.offline = false;
    await vi.advanceTimersByTimeAsync(2500);
    expect(state("a.js")).toBe("clean");
    expect(server.text("a.js")).toBe("two\n");
  });
});

describe("others", () => {
  it("follows the server while nothing is edited", async () => {
    const doc = await opened("a.js");
    server.put("a.js", "theirs\n");
    store.filesListed(server.listNow());
    await settle();
    expect(doc.getText()).toBe("theirs\n");
    expect(state("a.js")).toBe("clean");
    expect(drafts.all.size).toBe(0);
  });

  it("is a conflict when both changed; keeping mine saves it over theirs", async () => {
    const doc = await opened("a.js");
    doc.setText("mine\n");
    server.put("a.js", "theirs\n");
    await store.save(["a.js"]);
    expect(state("a.js")).toBe("conflict");
    expect(store.get("a.js")?.theirs?.text).toBe("theirs\n");
    expect(server.text("a.js")).toBe("theirs\n");
    doc.setText("merged\n");
    await store.keepMine("a.js");
    expect(state("a.js")).toBe("clean");
    expect(server.text("a.js")).toBe("merged\n");
  });

  it("takes theirs when told to", async () => {
    const doc = await opened("a.js");
    doc.setText("mine\n");
    server.put("a.js", "theirs\n");
    store.filesListed(server.listNow());
    await settle();
    expect(state("a.js")).toBe("conflict");
    store.takeTheirs("a.js");
    await settle();
    expect(doc.getText()).toBe("theirs\n");
    expect(state("a.js")).toBe("clean");
    expect(drafts.all.size).toBe(0);
  });

  it("is no conflict when both wrote the same", async () => {
    (await opened("a.js")).setText("same\n");
    server.put("a.js", "same\n");
    await store.save(["a.js"]);
    expect(state("a.js")).toBe("clean");
  });

  it("saves what has no conflict when some have one", async () => {
    (await opened("a.js")).setText("mine\n");
    (await opened("b.js")).setText("bb\n");
    server.put("a.js", "theirs\n");
    await store.save(["a.js", "b.js"]);
    expect(state("a.js")).toBe("conflict");
    expect(state("b.js")).toBe("clean");
    expect(server.text("b.js")).toBe("bb\n");
  });

  it("keeps the text of what was deleted, and saves it again", async () => {
    (await opened("a.js")).setText("mine\n");
    server.files.delete("a.js");
    server.version++;
    store.filesListed(server.listNow());
    expect(state("a.js")).toBe("goneEdited");
    await store.save(["a.js"]);
    expect(server.text("a.js")).toBe("mine\n");
    expect(state("a.js")).toBe("clean");
  });

  it("counts edits of what was deleted as unsaved, and keeps them", async () => {
    (await opened("a.js")).setText("mine\n");
    const b = await opened("b.js");
    server.files.clear();
    server.version++;
    store.filesListed(server.listNow());
    expect(state("b.js")).toBe("gone");
    expect(store.unsaved()).toEqual(["a.js"]);
    b.setText("bb\n");
    expect(store.unsaved()).toEqual(["a.js", "b.js"]);
    expect(store.hasUnkept()).toBe(true);
    await settle();
    expect(store.hasUnkept()).toBe(false);
    await store.save(store.unsaved());
    expect(server.text("a.js")).toBe("mine\n");
    expect(server.text("b.js")).toBe("bb\n");
  });

  it("does not believe an old list", async () => {
    const old = server.listNow();
    const doc = await opened("a.js");
    doc.setText("two\n");
    await store.save(["a.js"]);
    store.filesListed(old);
    await settle();
    expect(doc.getText()).toBe("two\n");
  });

  it("goes along when a file is moved, edits and all", async () => {
    (await opened("a.js")).setText("mine\n");
    store.expectMove("a.js");
    const file = server.files.get("a.js")!;
    server.files.delete("a.js");
    server.version++;
    server.files.set("lib/a.js", { ...file, etag: `"v${server.version}"` });
    store.filesListed(server.listNow());
    await store.moved("a.js", "lib/a.js", server.listNow());
    expect(store.get("a.js")).toBeUndefined();
    expect(state("lib/a.js")).toBe("dirty");
    await store.save(["lib/a.js"]);
    expect(server.text("lib/a.js")).toBe("mine\n");
  });

  it("takes edits of a deleted file along when its folder is moved", async () => {
    server.put("src/c.js", "c\n");
    server.put("src/d.js", "d\n");
    (await opened("src/c.js")).setText("mine\n");
    server.files.delete("src/c.js");
    server.version++;
    store.filesListed(server.listNow());
    const file = server.files.get("src/d.js")!;
    server.files.delete("src/d.js");
    server.version++;
    server.files.set("lib/d.js", { ...file, etag: `"v${server.version}"` });
    await store.moved("src", "lib", server.listNow());
    expect(state("lib/c.js")).toBe("goneEdited");
    expect(docs.get("lib/c.js")?.getText()).toBe("mine\n");
  });
});

describe("what is not saved", () => {
  async function leaveAndComeBack(): Promise<void> {
    await store.flush();
    const left = [...openTabs];
    store = makeStore();
    left.forEach((tab) => openTabs.delete(tab));
  }

  it("is offered, and restored", async () => {
    (await opened("a.js")).setText("mine\n");
    await leaveAndComeBack();
    const doc = await opened("a.js");
    expect(state("a.js")).toBe("offered");
    expect(store.get("a.js")?.draftAt).toBe(1000);
    expect(doc.getText()).toBe("one\n");
    store.restoreDraft("a.js");
    expect(doc.getText()).toBe("mine\n");
    expect(state("a.js")).toBe("dirty");
    await store.save(["a.js"]);
    expect(server.text("a.js")).toBe("mine\n");
    await settle();
    expect(drafts.all.size).toBe(0);
  });

  it("is a conflict when the server has gone on", async () => {
    (await opened("a.js")).setText("mine\n");
    await leaveAndComeBack();
    server.put("a.js", "theirs\n");
    const doc = await opened("a.js");
    store.restoreDraft("a.js");
    expect(state("a.js")).toBe("conflict");
    expect(doc.getText()).toBe("mine\n");
  });

  it("can be discarded", async () => {
    (await opened("a.js")).setText("mine\n");
    await leaveAndComeBack();
    await opened("a.js");
    store.discardDraft("a.js");
    expect(state("a.js")).toBe("clean");
    await settle();
    expect(drafts.all.size).toBe(0);
  });

  it("is there although its file is not", async () => {
    (await opened("a.js")).setText("mine\n");
    await leaveAndComeBack();
    server.files.delete("a.js");
    const doc = await opened("a.js");
    store.restoreDraft("a.js");
    expect(state("a.js")).toBe("goneEdited");
    expect(doc.getText()).toBe("mine\n");
  });

  it("is not offered to another tab while it is edited", async () => {
    (await opened("a.js")).setText("mine\n");
    await store.flush();
    const first = store;
    store = makeStore();
    const doc = await opened("a.js");
    expect(await store.pathsWithDrafts()).toEqual([]);
    expect(state("a.js")).toBe("clean");
    doc.setText("second\n");
    await store.flush();
    doc.undo();
    await settle();
    expect(first.hasUnkept()).toBe(false);
    expect([...drafts.all.values()].map(({ text }) => text)).toEqual([
      "mine\n",
    ]);
  });

  it("is offered by the page that kept it, when one has been elsewhere in it", async () => {
    (await opened("a.js")).setText("mine\n");
    await store.flush();
    store = makeStore("tab 1");
    const doc = await opened("a.js");
    store.restoreDraft("a.js");
    expect(doc.getText()).toBe("mine\n");
    await settle();
    expect(store.hasUnkept()).toBe(false);
    expect([...drafts.all.keys()]).toEqual(["a.js of tab 1"]);
  });

  it("is kept until the page that restores it has kept it itself", async () => {
    (await opened("a.js")).setText("mine\n");
    await leaveAndComeBack();
    await opened("a.js");
    store.restoreDraft("a.js");
    expect([...drafts.all.keys()]).toEqual(["a.js of tab 1"]);
    await settle();
    expect([...drafts.all.keys()]).toEqual(["a.js of tab 2"]);
  });

  it("is offered once for each tab that it was left in, the newest first", async () => {
    (await opened("a.js")).setText("older\n");
    await settle();
    now = 2000;
    store = makeStore();
    (await opened("a.js")).setText("newer\n");
    await leaveAndComeBack();
    await opened("a.js");
    store.discardDraft("a.js");
    await leaveAndComeBack();
    const doc = await opened("a.js");
    store.restoreDraft("a.js");
    expect(doc.getText()).toBe("older\n");
  });

  it("is known when this browser does not keep it", async () => {
    drafts.fails = true;
    (await opened("a.js")).setText("mine\n");
    expect(store.hasUnkept()).toBe(true);
    await settle();
    expect(store.hasUnkept()).toBe(true);
    expect(store.get("a.js")?.isUnkept).toBe(true);
    drafts.fails = false;
    await store.flush();
    expect(store.hasUnkept()).toBe(false);
  });
});
