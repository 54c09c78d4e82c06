// What is open in a project's code pane. It outlives the pane: going to another tab of the builder and back
// keeps the texts, their undo and where one stood. One project at a time.

import { recall, remember } from "../../app/storage";
import type { Store } from "../context";
import { BufferStore } from "./buffers/BufferStore";
import { IndexedDbDrafts } from "./buffers/drafts";
import { ProjectFiles } from "./buffers/fileApi";
import { LockedTabs } from "./buffers/tabLock";
import { kindByName } from "./files/kind";
import { isWithin, movedPath } from "./files/paths";
import { loadMonaco } from "./monaco/load";
import {
  closeTab,
  isTabs,
  moveTabs,
  NO_TABS,
  openTab,
  rememberedTabs,
  type Tabs,
} from "./tabs";

/** What can be asked of the editor that is shown, by those who do not load it. */
export interface EditorCommands {
  format(): void;
  canFormat: boolean;
  focus(): void;
}

/** Where one stands in a file. */
export interface Place {
  line: number; // from 1
  column: number;
  scrollTop: number;
}

type Places = Record<string, Place>;

const MAX_PLACES = 60;

function isPlaces(value: unknown): value is Places {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every(
      (place: unknown) =>
        typeof place === "object" &&
        place !== null &&
        ["line", "column", "scrollTop"].every(
          (key) => typeof (place as Record<string, unknown>)[key] === "number",
        ),
    )
  );
}

const drafts = new IndexedDbDrafts();
const tabs = new LockedTabs();

export class CodeSession implements Store<Tabs> {
  readonly projectId: string;
  readonly files: ProjectFiles;
  readonly buffers: BufferStore;
  #onSaved: () => void = () => {};
  #commands: EditorCommands | null = null;
  /** Where to go in a file that is about to be shown. */
  #jump: { path: string; line: number; column: number } | null = null;
  readonly #listeners = new Set<() => void>();
  #tabs: Tabs;
  #places: Places;

  constructor(projectId: string) {
    this.projectId = projectId;
    this.files = new ProjectFiles(projectId);
    this.buffers = new BufferStore({
      projectId,
      api: this.files,
      drafts,
      tabs,
      docs: async () => (await loadMonaco()).makeDoc,
      onSaved: () => this.#onSaved(),
    });
    this.#tabs = recall(this.#key("tabs"), isTabs) ?? NO_TABS;
    this.#places = recall(this.#key("places"), isPlaces) ?? {};
    if (this.#tabs.active) {
      this.#openBuffer(this.#tabs.active);
    }
    void this.#openDrafts();
  }

  /** A version was made here: whoever shows files asks again. */
  setOnSaved(handler: () => void): void {
    this.#onSaved = handler;
  }

  get commands(): EditorCommands | null {
    return this.#commands;
  }

  /** Called by the editor when it is shown; the answer takes them back. */
  offerCommands(commands: EditorCommands): () => void {
    this.#commands = commands;
    return () => {
      if (this.#commands === commands) {
        this.#commands = null;
      }
    };
  }

  #key(name: string): string {
    return `code.${name}.${this.projectId}`;
  }

  /** Edits from before are offered even if their file was not open. */
  async #openDrafts(): Promise<void> {
    await drafts.prune(Date.now()).catch(() => undefined);
    for (const path of await this.buffers.pathsWithDrafts()) {
      const { active, recent } = this.#tabs;
      this.#openBuffer(path);
      if (!this.#tabs.open.includes(path)) {
        const opened = openTab(this.#tabs, path);
        this.#set({ ...opened, active: active ?? path, recent });
      }
    }
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  getSnapshot(): Tabs {
    return this.#tabs;
  }

  #set(tabs: Tabs): void {
    this.#tabs = tabs;
    remember(this.#key("tabs"), rememberedTabs(tabs));
    for (const listener of this.#listeners) {
      listener();
    }
  }

  #openBuffer(path: string): void {
    if (kindByName(path) === "text") {
      this.buffers.open(path);
    }
  }

  open(path: string, at?: { line: number; column?: number } | null): void {
    if (at) {
      this.#jump = { path, line: at.line, column: at.column ?? 1 };
    }
    this.#openBuffer(path);
    this.#set(openTab(this.#tabs, path));
  }

  /** Where to go in this file now, once. */
  takeJump(path: string): { line: number; column: number } | null {
    if (this.#jump?.path !== path) {
      return null;
    }
    const jump = this.#jump;
    this.#jump = null;
    return jump;
  }

  /** Its edits go with it. */
  close(path: string): void {
    this.buffers.close(path);
    const next = closeTab(this.#tabs, path);
    if (next.active) {
      this.#openBuffer(next.active);
    }
    this.#set(next);
  }

  moved(from: string, to: string): void {
    for (const [path, place] of Object.entries(this.#places)) {
      if (isWithin(path, from)) {
        this.#places[movedPath(path, from, to)] = place;
      }
    }
    this.#set(moveTabs(this.#tabs, from, to));
  }

  place(path: string): Place | null {
    return this.#places[path] ?? null;
  }

  setPlace(path: string, place: Place): void {
    const rest = Object.entries(this.#places).filter(([p]) => p !== path);
    this.#places = Object.fromEntries([
      [path, place],
      ...rest.slice(0, MAX_PLACES - 1),
    ]);
    remember(this.#key("places"), this.#places);
  }

  dispose(): void {
    void this.buffers.flush().finally(() => this.buffers.dispose());
  }
}

let current: CodeSession | null = null;

export function sessionOf(projectId: string): CodeSession {
  if (current?.projectId !== projectId) {
    current?.dispose();
    current = new CodeSession(projectId);
  }
  return current;
}
