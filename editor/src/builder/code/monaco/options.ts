// How the editor is, in both its forms (one text, two compared).

import type { editor } from "monaco-editor/editor";

export const baseOptions = (): editor.IEditorOptions &
  editor.IGlobalEditorOptions => ({
  automaticLayout: true,
  accessibilitySupport: "auto",
  fixedOverflowWidgets: true,
  fontFamily: getComputedStyle(document.documentElement).getPropertyValue(
    "--font-mono",
  ),
  fontSize: 13,
  lineHeight: 20,
  lineNumbersMinChars: 4,
  links: false,
  minimap: { enabled: false },
  padding: { top: 8, bottom: 8 },
  renderLineHighlight: "line",
  renderWhitespace: "selection",
  scrollBeyondLastLine: false,
  smoothScrolling: false,
  stickyScroll: { enabled: false },
  unusualLineTerminators: "off",
  wordBasedSuggestions: "currentDocument",
});
