import { useEffect, useEffectEvent, useState } from "react";
import { type editor, makeModel } from "./setup";

/** A text of a view's own, ended with it; null until it is there. */
export function useModel(
  text: string,
  language: string,
): editor.ITextModel | null {
  const [model, setModel] = useState<editor.ITextModel | null>(null);
  const first = useEffectEvent(() => text);
  useEffect(() => {
    const made = makeModel(first(), language);
    // It has to be ended, so rendering cannot make it: only an effect has an end.
    // eslint-disable-next-line react-hooks/set-state-in-effect
    setModel(made);
    return () => made.dispose();
  }, [language]);
  return model?.isDisposed() ? null : model;
}
