import type { editor } from "./setup";

/** Formats the whole text, as Shift+Alt+F does. */
export function format(instance: editor.IStandaloneCodeEditor): void {
  void instance.getAction("editor.action.formatDocument")?.run();
}
