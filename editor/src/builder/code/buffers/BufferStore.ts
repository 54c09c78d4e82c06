// The open text files of a project: what they were loaded from, whether they are saved, and what became of
// them on the server meanwhile. The text itself is in documents (Monaco's models), made by whoever makes the
// store, so that this runs without an editor.

import { isProblem } from "../../../api/http";
import type { FileEntry, FileList } from "../../../api/types";
import type { Store } from "../../context";
import { textSize } from "../files/kind";
import { isWithin, movedPath } from "../files/paths";
import { decodeText, encodeText, type Decoded } from "../files/text";
import type { Base, Buffer, BufferDeps, Doc, Inner, MakeDoc } from "./buffer";
import type { Draft } from "./drafts";
import { Keeper } from "./Keeper";
import { hasText, isUnsaved } from "./machine";
import { OpenFiles, type Snapshot } from "./OpenFiles";
import { Retry } from "./Retry";

const RETRY_FIRST_MS = 2_000;
const RETRY_MAX_MS = 30_000;

/** What a file that is not there holds. */
const NOTHING: Decoded = { text: "", hasBom: false, eol: "\n" };

export class BufferStore implements Store<Snapshot> {
  readonly #deps: BufferDeps;
  readonly #keeper: Keeper;
  readonly #files = new OpenFiles();
  #list: FileList | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #retry = new Retry(
    () => this.retryNow(),
    RETRY_FIRST_MS,
    RETRY_MAX_MS,
  );
  /** What is being moved: lists say nothing about it until it has been. */
  #moving: string | null = null;

  constructor(deps: BufferDeps) {
    this.#deps = deps;
    this.#keeper = new Keeper(
      deps.projectId,
      deps.drafts,
      deps.tabs,
      deps.now ?? Date.now,
    );
  }

  subscribe(listener: () => void): () => void {
    return this.#files.subscribe(listener);
  }

  getSnapshot(): Snapshot {
    return this.#files.getSnapshot();
  }

  get(path: string): Buffer | undefined {
    return this.#files.get(path);
  }

  doc(path: string): Doc | null {
    return this.#files.inner(path)?.doc ?? null;
  }

  #all(): Buffer[] {
    return [...this.#files.getSnapshot().values()];
  }

  unsaved(): string[] {
    return this.#all()
      .filter((buffer) => isUnsaved(buffer.state))
      .map((buffer) => buffer.path);
  }

  /** There are edits that would be lost with the page right now. */
  hasUnkept(): boolean {
    return this.unsaved().some((path) => {
      const inner = this.#files.inner(path);
      return !!inner?.doc && !this.#keeper.isKept(path, inner.doc.mark());
    });
  }

  #entry(path: string): FileEntry | undefined {
    return this.#list?.items.find((entry) => entry.path === path);
  }

  /* Loading */

  open(path: string): void {
    if (!this.get(path)) {
      this.#files.add(path);
      void this.#load(path);
    }
  }

  /** Once more after it failed, or a large one after all. */
  reload(path: string): void {
    const inner = this.#files.inner(path);
    if (inner && this.#files.happen(path, "load", { error: null })) {
      inner.allowLarge = true;
      void this.#load(path);
    }
  }

  /** Files with edits from before. */
  pathsWithDrafts(): Promise<string[]> {
    return this.#keeper.pathsFromBefore();
  }

  async #load(path: string): Promise<void> {
    const inner = this.#files.inner(path);
    const list = this.#list;
    if (!inner || !list || this.get(path)?.state !== "loading") {
      return; // the list will come
    }
    const load = ++inner.load;
    const isStale = () =>
      this.#files.inner(path) !== inner || inner.load !== load;
    const entry = this.#entry(path);
    const size = entry ? textSize(entry.size) : "normal";
    if (entry && size === "tooLarge") {
      this.#files.happen(path, "isTooLarge", { size: entry.size });
      return;
    }
    if (entry && size === "large" && !inner.allowLarge) {
      this.#files.happen(path, "isLarge", { size: entry.size });
      return;
    }
    try {
      const [file, makeDoc, draft] = await Promise.all([
        entry ? this.#deps.api.read(path, list.version) : null,
        this.#deps.docs(),
        this.#keeper.fromBefore(path),
      ]);
      if (!isStale()) {
        this.#keeper.take(draft);
        this.#loaded(path, inner, file, list.version, draft, makeDoc);
      }
    } catch (error) {
      if (!isStale()) {
        this.#files.happen(path, "loadFailed", { error });
      }
    }
  }

  #loaded(
    path: string,
    inner: Inner,
    file: { bytes: Uint8Array; etag: string } | null,
    version: number,
    draft: Draft | null,
    makeDoc: MakeDoc,
  ): void {
    const content = file && decodeText(file.bytes);
    const size = file?.bytes.length ?? 0;
    if (file && !content) {
      this.#files.happen(path, "isNotText", { size });
      return;
    }
    if (!content && !draft) {
      this.#files.happen(path, "notThere");
      return;
    }
    const doc = makeDoc(path, content ?? NOTHING);
    doc.onEdit(() => this.#edited(path));
    inner.doc = doc;
    inner.savedMark = doc.mark();
    const base =
      content && file ? { ...content, version, etag: file.etag } : null;
    if (draft && draft.text !== base?.text) {
      inner.draft = draft;
      this.#files.happen(path, "loadedWithDraft", {
        base,
        size,
        draftAt: draft.at,
      });
      return;
    }
    if (draft) {
      this.#keeper.discard(draft);
    }
    this.#files.happen(path, "loaded", { base, size });
  }

  /* Editing */

  #edited(path: string): void {
    const inner = this.#files.inner(path);
    const buffer = this.get(path);
    if (!inner?.doc || !buffer) {
      return;
    }
    const isSame = buffer.base !== null && inner.doc.mark() === inner.savedMark;
    if (isSame && this.#files.happen(path, "reverted")) {
      this.#forgetDraft(path);
      return;
    }
    if (this.#files.happen(path, "edited")) {
      this.#keepSoon(path);
    }
  }

  #keepSoon(path: string): void {
    this.#keeper.soon(path, () => void this.#keep(path));
  }

  async #keep(path: string): Promise<void> {
    const inner = this.#files.inner(path);
    const buffer = this.get(path);
    if (!inner?.doc || !buffer || !isUnsaved(buffer.state)) {
      return;
    }
    const isKept = await this.#keeper.put(
      path,
      inner.doc.getText(),
      buffer.base?.etag ?? null,
      inner.doc.mark(),
    );
    const now = this.get(path);
    if (now && now.isUnkept === isKept) {
      this.#files.change(path, { isUnkept: !isKept });
    }
    if (now?.state === "clean") {
      this.#forgetDraft(path); // it was saved meanwhile
    }
  }

  /** Keeps what is not kept yet, now: the page may be closed. */
  async flush(): Promise<void> {
    await Promise.all(this.unsaved().map((path) => this.#keep(path)));
  }

  #forgetDraft(path: string): void {
    const inner = this.#files.inner(path);
    if (inner?.draft) {
      this.#keeper.discard(inner.draft);
      inner.draft = null;
    }
    this.#keeper.forget(path);
  }

  restoreDraft(path: string): void {
    const inner = this.#files.inner(path);
    const buffer = this.get(path);
    if (!inner?.doc || !inner.draft || buffer?.state !== "offered") {
      return;
    }
    const { draft } = inner;
    const { base } = buffer;
    const change = { draftAt: null };
    if (!base) {
      this.#files.happen(path, "restoredGone", change);
    } else if (draft.etag === base.etag) {
      this.#files.happen(path, "restored", change);
    } else {
      this.#files.happen(path, "restoredOverNewer", {
        ...change,
        theirs: base,
      });
    }
    this.#keeper.adopt(draft);
    inner.draft = null;
    inner.doc.setText(draft.text);
  }

  discardDraft(path: string): void {
    const buffer = this.get(path);
    if (buffer?.state !== "offered") {
      return;
    }
    this.#forgetDraft(path);
    if (buffer.base) {
      this.#files.happen(path, "discarded", { draftAt: null });
    } else {
      this.close(path);
    }
  }

  /* Saving */

  /** Saves these files as one version, in turn with other saves. */
  save(paths: readonly string[]): Promise<void> {
    const run = this.#queue.then(() => this.#save(paths));
    this.#queue = run.catch(() => undefined);
    return run;
  }

  async #save(paths: readonly string[]): Promise<void> {
    const batch = paths.flatMap((path) => {
      const inner = this.#files.inner(path);
      const buffer = this.get(path);
      if (
        !inner?.doc ||
        !buffer ||
        !this.#files.happen(path, "save", { error: null })
      ) {
        return [];
      }
      const text = inner.doc.getText();
      return [{ path, inner, base: buffer.base, text, mark: inner.doc.mark() }];
    });
    if (batch.length === 0) {
      return;
    }
    const baseVersion = Math.min(
      ...batch.map(({ base }) => base?.version ?? this.#list?.version ?? 0),
    );
    try {
      const changed = await this.#deps.api.change(
        batch.map(({ path, base, text }) => ({
          op: "write",
          path,
          content: encodeText(text, base?.hasBom ?? false),
        })),
        baseVersion,
      );
      this.#retry.reset();
      for (const { path, inner, base, text, mark } of batch) {
        const etag = changed.files.find((f) => f.path === path)?.etag;
        inner.savedMark = mark;
        const isEdited = inner.doc?.mark() !== mark;
        this.#files.happen(path, isEdited ? "savedButEdited" : "saved", {
          base: {
            hasBom: false,
            eol: "\n",
            ...base,
            text,
            version: changed.version,
            etag: etag ?? base?.etag ?? "",
          },
        });
        if (isEdited) {
          this.#keepSoon(path);
        } else {
          this.#forgetDraft(path);
        }
      }
      this.#deps.onSaved(changed.version);
    } catch (error) {
      await this.#saveFailed(
        batch.map(({ path }) => path),
        error,
      );
    }
  }

  async #saveFailed(paths: string[], error: unknown): Promise<void> {
    if (isProblem(error, 412)) {
      const { conflicts, version } = error.body;
      const theirs = Array.isArray(conflicts) ? conflicts : paths;
      const hit = paths.filter((path) => theirs.includes(path));
      const rest = paths.filter((path) => !hit.includes(path));
      for (const path of hit) {
        await this.#compareWithTheirs(path, Number(version) || null);
      }
      for (const path of rest) {
        this.#files.happen(path, "saveFailed");
      }
      if (hit.length > 0) {
        await this.#save(rest);
      }
      return;
    }
    const isTransient = isProblem(error) && error.isTransient;
    for (const path of paths) {
      this.#files.happen(path, isTransient ? "unsendable" : "saveFailed", {
        error,
      });
    }
    if (isTransient) {
      this.#retry.later(error.retryAfterS);
    }
  }

  /** Sends what could not be sent: the connection may be back. */
  retryNow(): void {
    this.#retry.stop();
    const unsent = this.#all().filter(({ state }) => state === "unsent");
    if (unsent.length > 0) {
      void this.save(unsent.map((buffer) => buffer.path));
    }
  }

  /* What others do */

  /** The newest list of files: open ones follow it. */
  filesListed(list: FileList): void {
    if (this.#list && list.version < this.#list.version) {
      return;
    }
    this.#list = list;
    for (const buffer of this.#all()) {
      this.#listed(buffer, list);
    }
  }

  #listed(buffer: Buffer, list: FileList): void {
    const { path, state, base, theirs } = buffer;
    if (this.#moving !== null && isWithin(path, this.#moving)) {
      return;
    }
    const entry = this.#entry(path);
    if (state === "loading") {
      void this.#load(path);
      return;
    }
    if (state === "saving" || (base && base.version > list.version)) {
      return; // the answer to saving says what became of it
    }
    if (!entry) {
      this.#files.happen(path, "theirsGone", { base: null, theirs: null });
      return;
    }
    const known = theirs ?? base;
    if (known?.etag === entry.etag) {
      if (base && !theirs && base.version < list.version) {
        this.#files.change(path, { base: { ...base, version: list.version } });
      }
      return;
    }
    if (!hasText(state)) {
      if (this.#files.happen(path, "theirsDiffers", { error: null })) {
        void this.#load(path);
      }
      return;
    }
    void this.#compareWithTheirs(path, list.version);
  }

  /** The file was changed by somebody else: fetches it and decides. */
  async #compareWithTheirs(
    path: string,
    version: number | null,
  ): Promise<void> {
    const inner = this.#files.inner(path);
    const at = version ?? this.#list?.version;
    if (!inner?.doc || !at) {
      return;
    }
    const load = ++inner.load;
    let theirs: Base | null;
    try {
      const file = await this.#deps.api.read(path, at);
      const content = file && decodeText(file.bytes);
      theirs = file && content && { ...content, version: at, etag: file.etag };
    } catch (error) {
      this.#files.happen(path, "saveFailed", { error });
      return; // the next list tries again
    }
    if (this.#files.inner(path) !== inner || inner.load !== load) {
      return;
    }
    this.#meet(path, inner, theirs);
  }

  #meet(path: string, inner: Inner, theirs: Base | null): void {
    const state = this.get(path)?.state;
    if (!state || !inner.doc) {
      return;
    }
    if (!theirs) {
      this.#files.happen(path, "theirsGone", { base: null, theirs: null });
    } else if (state === "clean") {
      // Told before the text changes, so that this is no edit.
      this.#follow(path, inner, theirs);
    } else if (state === "offered") {
      this.#files.happen(path, "theirsDiffers", { base: theirs });
      inner.doc.setText(theirs.text);
      inner.savedMark = inner.doc.mark();
    } else if (inner.doc.getText() === theirs.text) {
      inner.savedMark = inner.doc.mark();
      this.#files.happen(path, "theirsSame", { base: theirs, theirs: null });
      this.#forgetDraft(path);
    } else {
      this.#files.happen(path, "theirsDiffers", { theirs });
    }
  }

  /** The text becomes the server's. */
  #follow(path: string, inner: Inner, theirs: Base): void {
    inner.doc?.setText(theirs.text);
    inner.savedMark = inner.doc?.mark() ?? 0;
    this.#files.happen(path, "reverted"); // setText was an edit
    this.#files.change(path, { base: theirs, theirs: null });
    this.#forgetDraft(path);
  }

  /* A conflict's ends */

  async keepMine(path: string): Promise<void> {
    const theirs = this.get(path)?.theirs ?? null;
    if (this.#files.happen(path, "keepMine", { base: theirs, theirs: null })) {
      await this.save([path]);
    }
  }

  takeTheirs(path: string): void {
    const inner = this.#files.inner(path);
    const theirs = this.get(path)?.theirs;
    if (inner && theirs && this.#files.happen(path, "takeTheirs")) {
      this.#follow(path, inner, theirs);
    }
  }

  /* Closing, moving */

  /** Its edits go with it. */
  close(path: string): void {
    const buffer = this.get(path);
    if (!buffer) {
      return;
    }
    if (isUnsaved(buffer.state)) {
      this.#forgetDraft(path);
    }
    this.#drop(path);
  }

  #drop(path: string): void {
    this.#keeper.cancel(path);
    this.#files.drop(path);
  }

  /** `from`, a file or a directory, is about to be moved; null: after all it was not. */
  expectMove(from: string | null): void {
    this.#moving = from;
  }

  /** `from` became `to` on the server: open files go with it, edits and all. */
  async moved(from: string, to: string, list: FileList): Promise<void> {
    const makeDoc = await this.#deps.docs();
    this.#list = list;
    this.#moving = null;
    for (const buffer of this.#all()) {
      if (isWithin(buffer.path, from)) {
        this.#move(buffer, movedPath(buffer.path, from, to), makeDoc);
      }
    }
  }

  #move(buffer: Buffer, path: string, makeDoc: MakeDoc): void {
    const old = this.#files.inner(buffer.path);
    if (!old?.doc || !isUnsaved(buffer.state)) {
      this.close(buffer.path);
      this.open(path);
      return;
    }
    const text = old.doc.getText();
    const entry = this.#entry(path);
    const base = entry &&
      buffer.base && {
        ...buffer.base,
        etag: entry.etag,
        version: this.#list?.version ?? buffer.base.version,
      };
    this.close(buffer.path);
    const doc = makeDoc(path, base ?? NOTHING);
    this.#files.add(
      path,
      { ...buffer, path, base: base ?? null, state: base ? "clean" : "gone" },
      { ...old, doc, savedMark: doc.mark(), draft: null },
    );
    doc.onEdit(() => this.#edited(path));
    doc.setText(text); // an edit: it is unsaved, and kept, again
    if (base && buffer.theirs) {
      this.#files.happen(path, "theirsDiffers", { theirs: buffer.theirs });
    }
  }

  dispose(): void {
    this.#retry.stop();
    for (const { path } of this.#all()) {
      this.#drop(path);
    }
  }
}
