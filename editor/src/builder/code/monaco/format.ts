import type { editor } from "./setup";

/** Formats the whole text, as Shift+Alt+F does. */
export async function format(
  instance: editor.IStandaloneCodeEditor,
): Promise<void> {
  await instance.getAction("editor.action.formatDocument")?.run();
}
