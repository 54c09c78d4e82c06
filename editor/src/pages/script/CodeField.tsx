import { useRef, type KeyboardEvent, type UIEvent } from "react";
import { t } from "../../strings";
import css from "./CodeField.module.css";
import { indent, lineCount, newLine, outdent, type Edit } from "./editing";

function editOf(event: KeyboardEvent): ((edit: Edit) => Edit) | null {
  if (event.nativeEvent.isComposing || event.ctrlKey || event.metaKey) {
    return null;
  }
  if (event.key === "Tab") {
    return event.shiftKey ? outdent : indent;
  }
  return event.key === "Enter" && !event.shiftKey ? newLine : null;
}

/** A plain text field for code: line numbers, Tab and Enter that indent. Escape lets Tab leave it. */
export function CodeField({
  value,
  onChange,
  onRun,
}: {
  value: string;
  onChange: (value: string) => void;
  onRun: () => void;
}) {
  const numbers = useRef<HTMLDivElement>(null);
  const letsTabLeave = useRef(false);

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === "Escape") {
      letsTabLeave.current = true;
      return;
    }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onRun();
      return;
    }
    if (event.key === "Tab" && letsTabLeave.current) {
      return;
    }
    const edit = editOf(event);
    if (event.key !== "Shift") {
      letsTabLeave.current = false;
    }
    if (edit) {
      event.preventDefault();
      apply(event.currentTarget, edit);
    }
  };
  const onScroll = (event: UIEvent<HTMLTextAreaElement>) => {
    numbers.current!.scrollTop = event.currentTarget.scrollTop;
  };

  return (
    <div className={css.field}>
      <div ref={numbers} className={css.numbers} aria-hidden="true">
        {Array.from({ length: lineCount(value) }, (_, i) => i + 1).join("\n")}
      </div>
      <textarea
        className={css.text}
        aria-label={t.script.code}
        aria-describedby="code-hint"
        value={value}
        spellCheck={false}
        autoCapitalize="none"
        autoCorrect="off"
        wrap="off"
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={onKeyDown}
        onBlur={() => (letsTabLeave.current = false)}
        onScroll={onScroll}
      />
      <span id="code-hint" className="visually-hidden">
        {t.script.codeHint}
      </span>
    </div>
  );
}

/** Puts an edit into the field so that the browser's undo knows it; React hears of it as of typing. */
function apply(field: HTMLTextAreaElement, edit: (edit: Edit) => Edit): void {
  const { value, selectionStart, selectionEnd } = field;
  const after = edit({
    text: value,
    start: selectionStart,
    end: selectionEnd,
  });
  let from = 0;
  while (from < value.length && value[from] === after.text[from]) {
    from++;
  }
  let same = 0;
  while (
    same < Math.min(value.length, after.text.length) - from &&
    value.at(-1 - same) === after.text.at(-1 - same)
  ) {
    same++;
  }
  const added = after.text.slice(from, after.text.length - same);
  field.setSelectionRange(from, value.length - same);
  // Deprecated, and the only way that keeps undo.
  document.execCommand(added ? "insertText" : "delete", false, added);
  field.setSelectionRange(after.start, after.end);
}
