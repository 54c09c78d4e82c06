import { useEffect } from "react";
import { t } from "../../../strings";
import css from "../code.module.css";
import { languageOf } from "../language";
import { replaceText } from "../monaco/setup";
import { TextEditor } from "../monaco/TextEditor";
import { useModel } from "../monaco/useModel";

/** A file as the model writes it. */
export default function StreamView({
  path,
  text,
}: {
  path: string;
  text: string;
}) {
  const model = useModel("", languageOf(path));
  useEffect(() => {
    if (model && !model.isDisposed()) {
      replaceText(model, text);
    }
  }, [model, text]);
  return (
    <div className={css.editorBox}>
      {model && (
        <TextEditor
          model={model}
          label={t.code.editorLabel(path)}
          readOnly
          readOnlyMessage={t.code.readOnlyWriting}
          followEnd
        />
      )}
    </div>
  );
}
