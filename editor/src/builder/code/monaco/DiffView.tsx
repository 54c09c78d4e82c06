import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useIsDark } from "../../../app/theme";
import css from "./monaco.module.css";
import { baseOptions } from "./options";
import { applyTheme, editor, makeModel } from "./setup";

export interface DiffViewProps {
  /** The text on the left. */
  original: string;
  originalLabel: string;
  /** The one on the right; edited in place unless `readOnly`. */
  model: editor.ITextModel;
  modelLabel: string;
  readOnly?: boolean;
}

const MAX_COMPUTATION_MS = 5000;

/** Two texts beside each other, or in one column where there is no room. */
export function DiffView(props: DiffViewProps) {
  const { original, originalLabel, model, modelLabel, readOnly } = props;
  const box = useRef<HTMLDivElement>(null);
  const [instance, setInstance] = useState<editor.IStandaloneDiffEditor | null>(
    null,
  );
  const isDark = useIsDark();

  useEffect(() => {
    const made = editor.createDiffEditor(box.current!, {
      ...baseOptions(),
      renderSideBySideInlineBreakpoint: 720,
      useInlineViewWhenSpaceIsLimited: true,
      hideUnchangedRegions: { enabled: false },
      renderMarginRevertIcon: true,
      renderOverviewRuler: false,
      maxComputationTime: MAX_COMPUTATION_MS,
      originalEditable: false,
    });
    setInstance(made);
    return () => made.dispose();
  }, []);

  useEffect(() => applyTheme(isDark), [isDark]);

  useEffect(() => {
    instance?.updateOptions({ readOnly });
    instance?.getOriginalEditor().updateOptions({
      ariaLabel: originalLabel,
    });
    instance?.getModifiedEditor().updateOptions({
      ariaLabel: modelLabel,
    });
  }, [instance, readOnly, originalLabel, modelLabel]);

  // Ended before the editor is: effects of this kind end first.
  useLayoutEffect(() => {
    if (!instance) {
      return;
    }
    const left = makeModel(original, model.getLanguageId());
    instance.setModel({ original: left, modified: model });
    return () => {
      instance.setModel(null);
      // A worker may still compare it, and complains when it is gone.
      setTimeout(() => left.dispose(), 2 * MAX_COMPUTATION_MS);
    };
  }, [instance, model, original]);

  return <div ref={box} className={css.editor} />;
}
