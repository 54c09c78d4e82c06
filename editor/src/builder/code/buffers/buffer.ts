// What an open file is made of.

import type { Decoded } from "../files/text";
import type { Draft, Drafts } from "./drafts";
import type { FileApi } from "./fileApi";
import type { BufferState } from "./machine";
import type { OpenTabs } from "./tabLock";

/** A text being edited. */
export interface Doc {
  getText(): string;
  /** By the smallest edit there is, which can be undone. */
  setText(text: string): void;
  /** Changes with each edit, and is what it was after undoing it. */
  mark(): number;
  onEdit(listener: () => void): void;
  dispose(): void;
}

export type MakeDoc = (path: string, content: Decoded) => Doc;

/** A file as the server has it. */
export interface Base extends Decoded {
  version: number;
  etag: string;
}

export interface Buffer {
  path: string;
  state: BufferState;
  /** What was edited; null: the server has no such file. */
  base: Base | null;
  /** In a conflict: what the server has now. */
  theirs: Base | null;
  /** When the edits that are offered were made; Unix ms. */
  draftAt: number | null;
  size: number;
  /** This browser refused to keep the edits. */
  isUnkept: boolean;
  /** Why loading or saving failed. */
  error: unknown;
}

export interface BufferDeps {
  projectId: string;
  api: FileApi;
  drafts: Drafts;
  tabs: OpenTabs;
  /** Loads the editor. */
  docs: () => Promise<MakeDoc>;
  /** A version was made by saving. */
  onSaved: (version: number) => void;
  now?: () => number;
}

/** A buffer's own things, which are no part of what is shown. */
export interface Inner {
  doc: Doc | null;
  savedMark: number;
  draft: Draft | null;
  /** Counts loads, so that the answer to an old one is dropped. */
  load: number;
  allowLarge: boolean;
}

export const newInner = (): Inner => ({
  doc: null,
  savedMark: 0,
  draft: null,
  load: 0,
  allowLarge: false,
});

export const newBuffer = (path: string): Buffer => ({
  path,
  state: "loading",
  base: null,
  theirs: null,
  draftAt: null,
  size: 0,
  isUnkept: false,
  error: null,
});
