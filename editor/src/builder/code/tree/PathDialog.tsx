import { useState, type FormEvent } from "react";
import { t } from "../../../strings";
import { Button, Dialog, TextField } from "../../../ui";
import { actionError } from "../useFileActions";
import css from "./tree.module.css";

export interface PathDialogProps {
  title: string;
  label: string;
  hint?: string;
  confirm: string;
  /** What the field begins with. */
  path: string;
  /** What is wrong with a path, or null. */
  check: (path: string) => string | null;
  onClose: () => void;
  /** The dialog closes when it has succeeded. */
  onConfirm: (path: string) => Promise<void>;
}

/** The cursor stands where one types: on the name, without its extension. */
function selectName(field: HTMLInputElement): void {
  const start = field.value.lastIndexOf("/") + 1;
  const dot = field.value.lastIndexOf(".");
  field.setSelectionRange(start, dot > start ? dot : field.value.length);
}

/** Asks for a path. */
export function PathDialog(props: PathDialogProps) {
  const { title, label, hint, confirm, check, onClose, onConfirm } = props;
  const [path, setPath] = useState(props.path);
  const [error, setError] = useState<string | null>(null);
  const [isFirst, setIsFirst] = useState(true);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const wrong = check(path);
    setError(wrong);
    if (wrong) {
      return;
    }
    setBusy(true);
    try {
      await onConfirm(path);
      onClose();
    } catch (e) {
      setError(actionError(e));
      setBusy(false);
    }
  };
  return (
    <Dialog open onClose={onClose} title={title}>
      <form
        onSubmit={(event) => void submit(event)}
        noValidate
        className={css.dialogForm}
      >
        <TextField
          label={label}
          hint={hint}
          error={error}
          value={path}
          onChange={(event) => {
            setPath(event.target.value);
            setError(null);
          }}
          onFocus={(event) => {
            if (isFirst) {
              selectName(event.target);
              setIsFirst(false);
            }
          }}
          autoCapitalize="off"
          autoComplete="off"
          autoCorrect="off"
          spellCheck={false}
        />
        <div className={css.dialogActions}>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" tone="primary" busy={busy}>
            {confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
