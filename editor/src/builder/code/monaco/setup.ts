// Monaco, set up; only ever loaded by load.ts.

import { editor, Range, Uri } from "monaco-editor/editor";
import type { Doc, MakeDoc } from "../buffers/buffer";
import { replacement } from "../files/text";
import { languageOf } from "../language";
import "./features";
import { setUpLanguages } from "./languages";
import "./workers";

export { editor, KeyCode, KeyMod, Range } from "monaco-editor/editor";
export { hasFormatter } from "./prettier";
export { setLibraries } from "./languages";
export { applyTheme } from "./theme";

setUpLanguages();

const EOL = {
  "\n": editor.EndOfLineSequence.LF,
  "\r\n": editor.EndOfLineSequence.CRLF,
};

export const uriOf = (path: string): Uri =>
  Uri.from({ scheme: "file", path: `/${path}` });

export const pathOf = (uri: Uri): string | null =>
  uri.scheme === "file" ? uri.path.slice(1) : null;

/** A model's text becomes another by the smallest edit there is; it can be undone. */
export function replaceText(model: editor.ITextModel, text: string): void {
  const edit = replacement(model.getValue(), text);
  if (!edit) {
    return;
  }
  const range = Range.fromPositions(
    model.getPositionAt(edit.start),
    model.getPositionAt(edit.end),
  );
  model.pushStackElement();
  model.pushEditOperations([], [{ range, text: edit.text }], () => null);
  model.pushStackElement();
}

export class MonacoDoc implements Doc {
  readonly model: editor.ITextModel;

  constructor(model: editor.ITextModel) {
    this.model = model;
  }

  getText(): string {
    return this.model.getValue();
  }

  setText(text: string): void {
    replaceText(this.model, text);
  }

  mark(): number {
    return this.model.getAlternativeVersionId();
  }

  onEdit(listener: () => void): void {
    this.model.onDidChangeContent(listener);
  }

  dispose(): void {
    this.model.dispose();
  }
}

export const makeDoc: MakeDoc = (path, content) => {
  const uri = uriOf(path);
  editor.getModel(uri)?.dispose(); // one that "go to definition" made
  const model = editor.createModel(content.text, languageOf(path), uri);
  model.setEOL(EOL[content.eol]);
  return new MonacoDoc(model);
};

/** A text of its own, that no language service takes for the file. */
export function makeModel(text: string, language: string): editor.ITextModel {
  return editor.createModel(text, language);
}

let onOpen: ((path: string, line: number, column: number) => void) | null =
  null;

/** Where "go to definition" opens other files. */
export function setOnOpen(handler: typeof onOpen): void {
  onOpen = handler;
}

editor.registerEditorOpener({
  openCodeEditor(_source, resource, at) {
    const path = pathOf(resource);
    if (!path || !onOpen) {
      return false;
    }
    const start = at && "startLineNumber" in at;
    onOpen(
      path,
      start ? at.startLineNumber : (at?.lineNumber ?? 1),
      start ? at.startColumn : (at?.column ?? 1),
    );
    return true;
  },
});

// Links in hovers: web pages only, in a tab that knows nothing of this one.
editor.registerLinkOpener({
  open(uri) {
    if (["http", "https"].includes(uri.scheme)) {
      window.open(uri.toString(true), "_blank", "noopener,noreferrer");
    }
    return true;
  },
});
