// The editor's colours, from the page's own (ui/tokens.css).

import { editor } from "monaco-editor/editor";

/** Contrast with --surface-1 is 4.5 or more for each. */
const SYNTAX = {
  light: {
    comment: "5b6676",
    keyword: "7a2fc0",
    string: "1a6a38",
    number: "a34207",
    regexp: "a3246f",
    type: "0a6285",
    tag: "1f4fc4",
    attribute: "854800",
    delimiter: "3b4554",
  },
  dark: {
    comment: "929db0",
    keyword: "c6a6ff",
    string: "8bd5a0",
    number: "f5b37a",
    regexp: "ff9fcf",
    type: "79c8ea",
    tag: "9bb8ff",
    attribute: "f0c674",
    delimiter: "b9c2d0",
  },
};

const RULES: Record<keyof (typeof SYNTAX)["light"], string[]> = {
  comment: ["comment"],
  keyword: ["keyword", "keyword.json", "constant"],
  string: ["string", "attribute.value", "string.value.json"],
  number: ["number", "attribute.value.number", "attribute.value.unit"],
  regexp: ["regexp", "string.escape"],
  type: ["type", "type.identifier", "string.key.json", "attribute.name.css"],
  tag: ["tag", "metatag", "keyword.md", "string.link.md"],
  attribute: ["attribute.name", "variable", "variable.predefined"],
  delimiter: ["delimiter", "delimiter.html", "delimiter.xml", "operator"],
};

/** Pairs of brackets, from the outside in. */
const BRACKETS = ["tag", "keyword", "number"] as const;

/** A custom property as #rrggbbaa, whatever it was written as. */
function resolver(): { color: (token: string) => string; end: () => void } {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const context = document.createElement("canvas").getContext("2d", {
    willReadFrequently: true,
  });
  return {
    color(token) {
      probe.style.color = `var(${token})`;
      const color = getComputedStyle(probe).color;
      if (!context) {
        return "#808080";
      }
      context.clearRect(0, 0, 1, 1);
      context.fillStyle = color;
      context.fillRect(0, 0, 1, 1);
      return (
        "#" +
        [...context.getImageData(0, 0, 1, 1).data]
          .map((n) => n.toString(16).padStart(2, "0"))
          .join("")
      );
    },
    end: () => probe.remove(),
  };
}

const COLORS: Record<string, string> = {
  "editor.background": "--surface-1",
  "editor.foreground": "--text",
  "editorLineNumber.foreground": "--text-soft",
  "editorLineNumber.activeForeground": "--text",
  "editor.lineHighlightBackground": "--surface-0",
  "editor.lineHighlightBorder": "--surface-0",
  "editorCursor.foreground": "--accent",
  "editorWidget.background": "--surface-1",
  "editorWidget.foreground": "--text",
  "editorWidget.border": "--border",
  "editorHoverWidget.background": "--surface-1",
  "editorHoverWidget.border": "--border",
  "editorSuggestWidget.background": "--surface-1",
  "editorSuggestWidget.border": "--border",
  "editorSuggestWidget.selectedBackground": "--surface-3",
  "editorSuggestWidget.selectedForeground": "--text",
  "editorSuggestWidget.highlightForeground": "--accent",
  "editorSuggestWidget.focusHighlightForeground": "--accent",
  "editorIndentGuide.background1": "--border",
  "editorIndentGuide.activeBackground1": "--border-strong",
  "editorError.foreground": "--bad",
  "editorWarning.foreground": "--warn",
  "input.background": "--surface-1",
  "input.foreground": "--text",
  "input.border": "--border-strong",
  "inputOption.activeBackground": "--accent-tint",
  "inputOption.activeBorder": "--accent",
  "inputOption.activeForeground": "--text",
  focusBorder: "--focus",
  foreground: "--text",
  descriptionForeground: "--text-soft",
  "list.hoverBackground": "--surface-2",
  "list.activeSelectionBackground": "--surface-3",
  "list.activeSelectionForeground": "--text",
  "list.focusBackground": "--surface-3",
  "list.focusForeground": "--text",
  "list.highlightForeground": "--accent",
  "quickInput.background": "--surface-1",
  "quickInput.foreground": "--text",
  "quickInputList.focusBackground": "--surface-3",
  "quickInputList.focusForeground": "--text",
  "menu.background": "--surface-1",
  "menu.foreground": "--text",
  "menu.selectionBackground": "--surface-3",
  "menu.selectionForeground": "--text",
  "menu.border": "--border",
  "diffEditor.border": "--border",
};

/** Makes and uses the theme of the colours that are shown right now. */
export function applyTheme(isDark: boolean): void {
  const { color, end } = resolver();
  const syntax = SYNTAX[isDark ? "dark" : "light"];
  editor.defineTheme("slipway", {
    base: isDark ? "vs-dark" : "vs",
    inherit: true,
    rules: [
      // Not red: the tokenizer takes text between JSX tags for code, and its "€" for a mistake.
      { token: "invalid", foreground: color("--text").slice(1, 7) },
      ...Object.entries(RULES).flatMap(([name, tokens]) =>
        tokens.map((token) => ({
          token,
          foreground: syntax[name as keyof typeof syntax],
        })),
      ),
    ],
    colors: {
      ...Object.fromEntries(
        Object.entries(COLORS).map(([key, token]) => [key, color(token)]),
      ),
      ...Object.fromEntries(
        BRACKETS.map((name, i) => [
          `editorBracketHighlight.foreground${i + 1}`,
          `#${syntax[name]}`,
        ]),
      ),
      "editor.selectionBackground": isDark ? "#3a4d8f" : "#cdd8fb",
      "diffEditor.insertedTextBackground": isDark ? "#2f8a4a55" : "#8fd9a555",
      "diffEditor.removedTextBackground": isDark ? "#a8404055" : "#f5a3a355",
      "diffEditor.insertedLineBackground": isDark ? "#1f5a3244" : "#c9f0d355",
      "diffEditor.removedLineBackground": isDark ? "#6b2a2a44" : "#fbd5d555",
    },
  });
  end();
  editor.setTheme("slipway");
}
