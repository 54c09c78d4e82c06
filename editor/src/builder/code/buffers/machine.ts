// What an open file can be and what makes it something else: the whole of it is the table.

export type BufferState =
  | "loading"
  | "failed" // could not be read
  | "missing" // there is no such file
  | "asking" // large: opened only when asked for
  | "tooLarge"
  | "notText"
  | "offered" // edits from before are kept in this browser: restore or discard?
  | "clean"
  | "dirty"
  | "saving"
  | "unsent" // could not be sent: no connection; tried again by itself
  | "conflict" // edited here and changed on the server
  | "gone" // deleted on the server; the text is as it was there
  | "goneEdited"; // deleted on the server, and edited here

export type BufferEvent =
  | "load"
  | "loaded"
  | "loadedWithDraft"
  | "loadFailed"
  | "notThere"
  | "isLarge"
  | "isTooLarge"
  | "isNotText"
  | "restored" // on top of what the server has
  | "restoredOverNewer" // the server has something newer than what was edited
  | "restoredGone"
  | "discarded"
  | "edited"
  | "reverted" // by undo: as it was saved
  | "save"
  | "saved"
  | "savedButEdited" // while it was being saved
  | "unsendable"
  | "saveFailed"
  | "theirsDiffers" // the server has something else than what this was made on
  | "theirsSame" // the server has just this text
  | "theirsGone"
  | "keepMine"
  | "takeTheirs";

type Row = Partial<Record<BufferEvent, BufferState>>;

export const TRANSITIONS: Readonly<Record<BufferState, Row>> = {
  loading: {
    loaded: "clean",
    loadedWithDraft: "offered",
    loadFailed: "failed",
    notThere: "missing",
    isLarge: "asking",
    isTooLarge: "tooLarge",
    isNotText: "notText",
  },
  failed: { load: "loading", theirsDiffers: "loading" },
  missing: { load: "loading", theirsDiffers: "loading" },
  asking: { load: "loading", theirsGone: "missing" },
  tooLarge: { theirsDiffers: "loading", theirsGone: "missing" },
  notText: { theirsDiffers: "loading", theirsGone: "missing" },
  offered: {
    restored: "dirty",
    restoredOverNewer: "conflict",
    restoredGone: "goneEdited",
    discarded: "clean",
    theirsDiffers: "offered",
    theirsGone: "offered",
  },
  clean: {
    edited: "dirty",
    theirsDiffers: "clean", // the text follows
    theirsGone: "gone",
  },
  dirty: {
    edited: "dirty",
    reverted: "clean",
    save: "saving",
    theirsDiffers: "conflict",
    theirsSame: "clean",
    theirsGone: "goneEdited",
  },
  saving: {
    edited: "saving",
    saved: "clean",
    savedButEdited: "dirty",
    unsendable: "unsent",
    saveFailed: "dirty",
    theirsDiffers: "conflict",
    theirsSame: "clean",
    theirsGone: "goneEdited",
  },
  unsent: {
    edited: "unsent",
    reverted: "clean",
    save: "saving",
    theirsDiffers: "conflict",
    theirsSame: "clean",
    theirsGone: "goneEdited",
  },
  conflict: {
    edited: "conflict",
    keepMine: "dirty",
    takeTheirs: "clean",
    theirsDiffers: "conflict",
    theirsSame: "clean",
    theirsGone: "goneEdited",
  },
  gone: {
    edited: "goneEdited",
    save: "saving",
    theirsDiffers: "conflict",
    theirsSame: "clean",
  },
  goneEdited: {
    edited: "goneEdited",
    save: "saving",
    theirsDiffers: "conflict",
    theirsSame: "clean",
  },
};

/** null: this does not happen in that state, and changes nothing. */
export const nextState = (
  state: BufferState,
  event: BufferEvent,
): BufferState | null => TRANSITIONS[state][event] ?? null;

/** There is text that only this page has. */
export const isUnsaved = (state: BufferState): boolean =>
  ["dirty", "saving", "unsent", "conflict", "goneEdited"].includes(state);

/** The server has no such file any more. */
export const isGone = (state: BufferState): boolean =>
  state === "gone" || state === "goneEdited";

/** There is text to show. */
export const hasText = (state: BufferState): boolean =>
  ["clean", "gone", "offered"].includes(state) || isUnsaved(state);
