import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { useState, type ReactNode } from "react";
import { t } from "../strings";
import { Button, IconButton } from "./Button";
import css from "./ui.module.css";

export interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  wide?: boolean;
  children?: ReactNode;
  /** Buttons, the main one last. */
  actions?: ReactNode;
}

/** What is typed into comes first; without a field, the first button. */
function focusField(event: Event): void {
  const field = (event.currentTarget as HTMLElement).querySelector<HTMLElement>(
    "input:not([hidden]), textarea, select",
  );
  if (field) {
    event.preventDefault();
    field.focus();
  }
}

export function Dialog(props: DialogProps) {
  const { open, onClose, title, description, wide, children, actions } = props;
  return (
    <Radix.Root open={open} onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={css.dialogOverlay} />
        <Radix.Content
          onOpenAutoFocus={focusField}
          className={wide ? `${css.dialog} ${css.dialogWide}` : css.dialog}
          {...(description
            ? {}
            : {
                "aria-describedby": undefined,
              })}
        >
          <div className={css.dialogHead}>
            <Radix.Title asChild>
              <h2>{title}</h2>
            </Radix.Title>
            <IconButton
              label={t.common.close}
              icon={<X />}
              size="small"
              onClick={onClose}
            />
          </div>
          {description && (
            <Radix.Description className={css.hint}>
              {description}
            </Radix.Description>
          )}
          {children}
          {actions && <div className={css.dialogActions}>{actions}</div>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  title: string;
  text: ReactNode;
  confirm: string;
  danger?: boolean;
  /** The dialog closes when it has succeeded; what it throws is shown in it. */
  onConfirm: () => Promise<void> | void;
  errorText: (error: unknown) => string;
}

export function Confirm(props: ConfirmProps) {
  const { open, onClose, title, text, confirm, danger, onConfirm, errorText } =
    props;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const close = () => {
    setError(null);
    onClose();
  };
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      close();
    } catch (e) {
      setError(errorText(e));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      open={open}
      onClose={close}
      title={title}
      description={text}
      actions={
        <>
          <Button onClick={close}>{t.common.cancel}</Button>
          <Button
            tone={danger ? "danger" : "primary"}
            busy={busy}
            onClick={() => void run()}
          >
            {confirm}
          </Button>
        </>
      }
    >
      {error && (
        <p role="alert" className={css.fieldError}>
          {error}
        </p>
      )}
    </Dialog>
  );
}
