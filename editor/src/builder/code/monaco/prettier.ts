// Formatting by Prettier, which is fetched when somebody formats.

import { languages, type editor } from "monaco-editor/editor";
import type { Plugin } from "prettier";
import { persist } from "../../../app/lazy";
import { t } from "../../../strings";
import { toast } from "../../../ui";
import { formatStyle } from "./formatStyle";

const FETCH_AGAIN_MS = [300];

interface Printer {
  parser: string;
  /** Further plugins are for what is embedded. */
  plugins: () => Promise<unknown[]>;
}

const script = () => [
  import("prettier/plugins/babel"),
  import("prettier/plugins/estree"),
];
const style = () => import("prettier/plugins/postcss");

const load =
  (...parts: (() => Promise<unknown> | Promise<unknown>[])[]) =>
  () =>
    Promise.all(parts.flatMap((part) => part()));

const css = load(style);
const code = load(script);
const markup = load(() => import("prettier/plugins/html"), style, script);
const prose = load(() => import("prettier/plugins/markdown"));

/** By Monaco's name of the language. */
const PRINTERS: Record<string, Printer> = {
  typescript: { parser: "babel-ts", plugins: code },
  javascript: { parser: "babel", plugins: code },
  json: { parser: "json", plugins: code },
  css: { parser: "css", plugins: css },
  scss: { parser: "scss", plugins: css },
  less: { parser: "less", plugins: css },
  html: { parser: "html", plugins: markup },
  markdown: { parser: "markdown", plugins: prose },
  yaml: {
    parser: "yaml",
    plugins: load(() => import("prettier/plugins/yaml")),
  },
};

export const hasFormatter = (language: string): boolean =>
  Object.hasOwn(PRINTERS, language);

/** What formats this language, fetched. */
async function printerOf(language: string) {
  const { parser, plugins } = PRINTERS[language]!;
  const [{ format }, loaded] = await Promise.all([
    persist(() => import("prettier/standalone"), FETCH_AGAIN_MS),
    persist(plugins, FETCH_AGAIN_MS),
  ]);
  return (model: editor.ITextModel) => {
    const text = model.getValue();
    const { tabSize, insertSpaces } = model.getOptions();
    return format(text, {
      parser,
      plugins: loaded as Plugin[],
      tabWidth: tabSize,
      useTabs: !insertSpaces,
      endOfLine: model.getEOL() === "\r\n" ? "crlf" : "lf",
      ...formatStyle(text),
    });
  };
}

languages.registerDocumentFormattingEditProvider(Object.keys(PRINTERS), {
  displayName: "Prettier",
  async provideDocumentFormattingEdits(model) {
    const print = await printerOf(model.getLanguageId()).catch(() => null);
    if (!print) {
      toast({ text: t.code.formatterMissing, tone: "bad" });
      return [];
    }
    try {
      return [{ range: model.getFullModelRange(), text: await print(model) }];
    } catch (error) {
      const why = error instanceof Error ? error.message.split("\n")[0] : "";
      toast({ text: t.code.formatFailed(why ?? ""), tone: "bad" });
      return [];
    }
  },
});
