import { useEffect, useEffectEvent, useRef, useState } from "react";
import { useIsDark } from "../../../app/theme";
import css from "./monaco.module.css";
import { baseOptions } from "./options";
import { applyTheme, editor } from "./setup";

export interface TextEditorProps {
  model: editor.ITextModel;
  /** Its accessible name. */
  label: string;
  readOnly?: boolean;
  /** What is said when somebody types nevertheless. */
  readOnlyMessage?: string;
  wordWrap?: boolean;
  /** Called with the editor when it is there, and again with each model. */
  onModel?: (editor: editor.IStandaloneCodeEditor) => void;
  /** The cursor or the text's place in the window moved. */
  onMove?: (editor: editor.IStandaloneCodeEditor) => void;
  /** Keeps the end in view, for text that is being written. */
  followEnd?: boolean;
}

/** Where one stood in a text, what was selected and folded in it. */
const viewStates = new WeakMap<
  editor.ITextModel,
  editor.ICodeEditorViewState
>();

function keepViewState(instance: editor.IStandaloneCodeEditor): void {
  const model = instance.getModel();
  const state = instance.saveViewState();
  if (model && state) {
    viewStates.set(model, state);
  }
}

/** Monaco on one text. The same editor goes from text to text. */
export function TextEditor(props: TextEditorProps) {
  const { model, label, readOnly = false, wordWrap = false } = props;
  const { readOnlyMessage, followEnd = false } = props;
  const box = useRef<HTMLDivElement>(null);
  const [instance, setInstance] = useState<editor.IStandaloneCodeEditor | null>(
    null,
  );
  const isDark = useIsDark();
  const onModel = useEffectEvent((e: editor.IStandaloneCodeEditor) =>
    props.onModel?.(e),
  );
  const onMove = useEffectEvent((e: editor.IStandaloneCodeEditor) =>
    props.onMove?.(e),
  );

  useEffect(() => {
    const made = editor.create(box.current!, {
      ...baseOptions(),
      model: null,
    });
    made.onDidChangeCursorPosition(() => onMove(made));
    made.onDidScrollChange(() => onMove(made));
    setInstance(made);
    return () => {
      keepViewState(made);
      made.dispose();
    };
  }, []);

  useEffect(() => applyTheme(isDark), [isDark]);

  useEffect(() => {
    instance?.updateOptions({
      ariaLabel: label,
      readOnly,
      readOnlyMessage: readOnlyMessage ? { value: readOnlyMessage } : undefined,
      wordWrap: wordWrap ? "on" : "off",
    });
  }, [instance, label, readOnly, readOnlyMessage, wordWrap]);

  useEffect(() => {
    if (instance && instance.getModel() !== model) {
      keepViewState(instance);
      instance.setModel(model);
      instance.restoreViewState(viewStates.get(model) ?? null);
      onModel(instance);
    }
  }, [instance, model]);

  useEffect(() => {
    if (!instance || !followEnd) {
      return;
    }
    const reveal = () => instance.revealLine(model.getLineCount());
    reveal();
    const listening = model.onDidChangeContent(reveal);
    return () => listening.dispose();
  }, [instance, model, followEnd]);

  return <div ref={box} className={css.editor} />;
}
