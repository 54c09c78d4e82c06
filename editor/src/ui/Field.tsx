import { Eye, EyeOff } from "lucide-react";
import {
  useId,
  useState,
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
} from "react";
import { t } from "../strings";
import { IconButton } from "./Button";
import css from "./ui.module.css";

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string | null;
  /** The label is there for screen readers only. */
  hideLabel?: boolean;
}

interface Wiring {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
  className: string | undefined;
}

function Field({
  label,
  hint,
  error,
  hideLabel,
  control,
}: FieldProps & { control: (w: Wiring) => ReactNode }) {
  const id = useId();
  const described = [hint ? `${id}-hint` : "", error ? `${id}-error` : ""]
    .filter(Boolean)
    .join(" ");
  return (
    <div className={css.field}>
      <label htmlFor={id} className={hideLabel ? "visually-hidden" : undefined}>
        {label}
      </label>
      {control({
        id,
        "aria-describedby": described || undefined,
        "aria-invalid": error ? true : undefined,
        className: css.input,
      })}
      {hint && (
        <div id={`${id}-hint`} className={css.hint}>
          {hint}
        </div>
      )}
      {error && (
        <div id={`${id}-error`} role="alert" className={css.fieldError}>
          {error}
        </div>
      )}
    </div>
  );
}

export function TextField(
  props: FieldProps &
    InputHTMLAttributes<HTMLInputElement> & {
      ref?: Ref<HTMLInputElement>;
    },
) {
  const { label, hint, error, hideLabel, ...rest } = props;
  return (
    <Field
      {...{ label, hint, error, hideLabel }}
      control={(w) => <input type="text" {...rest} {...w} />}
    />
  );
}

/** A password, which can be shown. */
export function PasswordField(
  props: FieldProps &
    Omit<InputHTMLAttributes<HTMLInputElement>, "type"> & {
      ref?: Ref<HTMLInputElement>;
    },
) {
  const { label, hint, error, hideLabel, ...rest } = props;
  const [shown, setShown] = useState(false);
  return (
    <Field
      {...{ label, hint, error, hideLabel }}
      control={(w) => (
        <div className={css.withButton}>
          <input
            spellCheck={false}
            autoCapitalize="none"
            {...rest}
            {...w}
            type={shown ? "text" : "password"}
          />
          <IconButton
            size="small"
            label={shown ? t.common.hidePassword : t.common.showPassword}
            icon={shown ? <EyeOff /> : <Eye />}
            aria-pressed={shown}
            onClick={() => setShown(!shown)}
          />
        </div>
      )}
    />
  );
}

export function TextArea(
  props: FieldProps & TextareaHTMLAttributes<HTMLTextAreaElement>,
) {
  const { label, hint, error, hideLabel, ...rest } = props;
  return (
    <Field
      {...{ label, hint, error, hideLabel }}
      control={(w) => <textarea {...rest} {...w} />}
    />
  );
}

export function Select(
  props: FieldProps & SelectHTMLAttributes<HTMLSelectElement>,
) {
  const { label, hint, error, hideLabel, children, ...rest } = props;
  return (
    <Field
      {...{ label, hint, error, hideLabel }}
      control={(w) => (
        <select {...rest} {...w}>
          {children}
        </select>
      )}
    />
  );
}
