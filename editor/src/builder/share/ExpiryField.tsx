import { t } from "../../strings";
import { Select, TextField } from "../../ui";
import { EXPIRIES, type Expiry } from "./expiry";

export interface ExpiryChoice {
  expiry: Expiry;
  /** Of a datetime-local field. */
  date: string;
}

/** `keeps`: it may also be left as it is. */
export function ExpiryField({
  value,
  onChange,
  keeps,
  error,
}: {
  value: ExpiryChoice;
  onChange: (value: ExpiryChoice) => void;
  keeps?: boolean;
  error: string | null;
}) {
  return (
    <>
      <Select
        label={t.share.expires}
        value={value.expiry}
        onChange={(event) =>
          onChange({
            ...value,
            expiry: event.target.value as Expiry,
          })
        }
      >
        {keeps && <option value="keep">{t.share.keepExpiry}</option>}
        {EXPIRIES.map((expiry) => (
          <option key={expiry} value={expiry}>
            {t.share.presets[expiry]}
          </option>
        ))}
      </Select>
      {value.expiry === "custom" && (
        <TextField
          label={t.share.expiresAt}
          type="datetime-local"
          value={value.date}
          error={error}
          onChange={(event) =>
            onChange({
              ...value,
              date: event.target.value,
            })
          }
        />
      )}
    </>
  );
}
