import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { errorText } from "../api/errorText";
import { isProblem } from "../api/http";
import { t } from "../strings";
import { Button, Spinner } from "./Button";
import css from "./ui.module.css";

export type Tone = "good" | "bad" | "busy" | "neutral";

/** A state, with a dot in its colour; without a tone, a label. */
export function Badge({
  tone,
  children,
}: {
  tone?: Tone;
  children: ReactNode;
}) {
  return (
    <span className={css.badge} data-tone={tone}>
      {children}
    </span>
  );
}

const NOTE_ICONS = {
  info: Info,
  good: CircleCheck,
  warn: TriangleAlert,
  bad: CircleAlert,
};

/** Something to read where it matters, with what can be done about it. */
export function Note({
  tone = "info",
  children,
  actions,
}: {
  tone?: keyof typeof NOTE_ICONS;
  children: ReactNode;
  actions?: ReactNode;
}) {
  const Icon = NOTE_ICONS[tone];
  return (
    <div
      className={css.note}
      data-tone={tone}
      role={tone === "bad" ? "alert" : undefined}
    >
      <Icon aria-hidden="true" />
      <div className={css.noteBody}>
        <div>{children}</div>
        {actions && <div>{actions}</div>}
      </div>
    </div>
  );
}

/** An error in plain words, with the request's id for whoever looks after the server. */
export function ErrorNote({
  error,
  onRetry,
}: {
  error: unknown;
  onRetry?: () => void;
}) {
  const id = isProblem(error) && error.status >= 500 ? error.requestId : null;
  return (
    <Note
      tone="bad"
      actions={
        onRetry && (
          <Button size="small" onClick={onRetry}>
            {t.common.retry}
          </Button>
        )
      }
    >
      {errorText(error)}
      {id && <div className={css.hint}>{t.errors.requestId(id)}</div>}
    </Note>
  );
}

/** A place with nothing in it yet, and the way to fill it. */
export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon?: ReactNode;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={css.empty}>
      {icon}
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action}
    </div>
  );
}

/** What takes longer than a moment. */
export function Busy({ text = t.common.loading }: { text?: string }) {
  return (
    <div className={css.busy} role="status">
      <Spinner />
      {text}
    </div>
  );
}

/** The place of something that is being fetched, of about its size. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <span
      aria-hidden="true"
      className={[css.skeleton, className].filter(Boolean).join(" ")}
    />
  );
}
