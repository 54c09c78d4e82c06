import { X } from "lucide-react";
import { useSyncExternalStore } from "react";
import { t } from "../strings";
import { Button, IconButton } from "./Button";
import css from "./ui.module.css";

export interface ToastContent {
  text: string;
  tone?: "good" | "bad" | "neutral";
  action?: { text: string; run: () => void };
  /** How long it stays, in ms; with an action at least 10 s. */
  forMs?: number;
}

interface Toast extends ToastContent {
  id: number;
}

let toasts: Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();
const MAX_TOASTS = 4;

function set(next: Toast[]): void {
  toasts = next;
  for (const listener of listeners) {
    listener();
  }
}

function dismiss(id: number): void {
  set(toasts.filter((toast) => toast.id !== id));
}

/** Says something in the corner, for a while. */
export function toast(content: ToastContent): void {
  const id = nextId++;
  set([...toasts, { ...content, id }].slice(-MAX_TOASTS));
  setTimeout(
    () => dismiss(id),
    Math.max(content.forMs ?? 6000, content.action ? 10_000 : 0),
  );
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className={css.toasts} role="status" aria-live="polite">
      {shown.map(({ id, text, tone, action }) => (
        <div key={id} className={css.toast} data-tone={tone}>
          <span className={css.toastText}>{text}</span>
          {action && (
            <Button
              size="small"
              onClick={() => {
                dismiss(id);
                action.run();
              }}
            >
              {action.text}
            </Button>
          )}
          <IconButton
            label={t.common.close}
            icon={<X />}
            size="small"
            onClick={() => dismiss(id)}
          />
        </div>
      ))}
    </div>
  );
}
