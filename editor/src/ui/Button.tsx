import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import css from "./ui.module.css";
import { Tooltip } from "./Tooltip";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  tone?: "normal" | "primary" | "danger" | "ghost";
  size?: "normal" | "small";
  /** Shows a spinner and takes no clicks. */
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function buttonClass(
  tone: ButtonProps["tone"] = "normal",
  size: ButtonProps["size"] = "normal",
  ...more: (string | undefined)[]
): string {
  return [
    css.button,
    tone === "normal" ? "" : css[tone],
    size === "small" ? css.small : "",
    ...more,
  ]
    .filter(Boolean)
    .join(" ");
}

export function Button(props: ButtonProps) {
  const { tone, size, busy, disabled, className, children, ...rest } = props;
  return (
    <button
      type="button"
      {...rest}
      className={buttonClass(tone, size, className)}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
    >
      {busy && <Spinner />}
      {children}
    </button>
  );
}

export interface IconButtonProps extends Omit<ButtonProps, "children"> {
  /** What it does: its accessible name and its tooltip. */
  label: string;
  icon: ReactNode;
}

export function IconButton(props: IconButtonProps) {
  const {
    label,
    icon,
    tone = "ghost",
    size,
    busy,
    disabled,
    className,
    ...rest
  } = props;
  return (
    <Tooltip text={label}>
      <button
        type="button"
        aria-label={label}
        {...rest}
        className={buttonClass(tone, size, css.icon, className)}
        disabled={disabled || busy}
        aria-busy={busy || undefined}
      >
        {busy ? <Spinner /> : icon}
      </button>
    </Tooltip>
  );
}

export function Spinner() {
  return <span className={css.spinner} aria-hidden="true" />;
}
