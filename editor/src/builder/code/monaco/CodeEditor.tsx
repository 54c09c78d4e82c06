import { useEffect, useEffectEvent } from "react";
import { replaceText } from "./setup";
import { TextEditor } from "./TextEditor";
import { useModel } from "./useModel";

export interface CodeEditorProps {
  value: string;
  onChange: (value: string) => void;
  /** One of Monaco's languages, such as `javascript`. */
  language: string;
  /** Its accessible name. */
  label: string;
  readOnly?: boolean;
  wordWrap?: boolean;
}

/** A text field with Monaco in it, for pages that are no project. Load it lazily: it brings Monaco along. */
export default function CodeEditor(props: CodeEditorProps) {
  const { value, language, label, readOnly, wordWrap } = props;
  const model = useModel(value, language);
  const onChange = useEffectEvent((text: string) => {
    if (text !== value) {
      props.onChange(text);
    }
  });

  useEffect(() => {
    const listening = model?.onDidChangeContent(() =>
      onChange(model.getValue()),
    );
    return () => listening?.dispose();
  }, [model]);

  useEffect(() => {
    if (model && !model.isDisposed()) {
      replaceText(model, value);
    }
  }, [model, value]);

  return (
    model && (
      <TextEditor
        model={model}
        label={label}
        readOnly={readOnly}
        wordWrap={wordWrap}
      />
    )
  );
}
