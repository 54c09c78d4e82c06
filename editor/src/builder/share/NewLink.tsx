import { Dices } from "lucide-react";
import { useState, type FormEvent } from "react";
import { errorText } from "../../api/errorText";
import type { Share } from "../../api/types";
import { t } from "../../strings";
import { Button, Note, PasswordField, TextField } from "../../ui";
import { expiryFields } from "./expiry";
import { ExpiryField, type ExpiryChoice } from "./ExpiryField";
import { makePassword } from "./password";
import css from "./share.module.css";
import { useCreateShare } from "./useShares";

export interface Made {
  share: Share;
  /** It can be read nowhere later. */
  password: string;
}

const PASSWORD_MIN = 8;

export function NewLink({
  projectId,
  onMade,
  onCancel,
}: {
  projectId: string;
  onMade: (made: Made) => void;
  onCancel: () => void;
}) {
  const [name, setName] = useState("");
  const [choice, setChoice] = useState<ExpiryChoice>({
    expiry: "604800",
    date: "",
  });
  const [password, setPassword] = useState("");
  const [isTried, setIsTried] = useState(false);
  const create = useCreateShare(projectId);

  const expires = expiryFields(choice.expiry, choice.date);
  const isShort = password !== "" && password.length < PASSWORD_MIN;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setIsTried(true);
    if (expires && !isShort) {
      create.mutate(
        {
          ...expires,
          name: name.trim() || null,
          password: password || null,
        },
        {
          onSuccess: (share) => onMade({ share, password }),
        },
      );
    }
  };

  return (
    <form className={css.form} onSubmit={submit}>
      <TextField
        label={t.share.name}
        placeholder={t.share.namePlaceholder}
        value={name}
        maxLength={100}
        onChange={(event) => setName(event.target.value)}
      />
      <ExpiryField
        value={choice}
        onChange={setChoice}
        error={isTried && !expires ? t.share.dateMissing : null}
      />
      <div className={css.password}>
        <PasswordField
          label={t.share.password}
          hint={t.share.passwordHint}
          error={isTried && isShort ? t.share.passwordShort : null}
          autoComplete="new-password"
          value={password}
          maxLength={1024}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button onClick={() => setPassword(makePassword())}>
          <Dices aria-hidden="true" />
          {t.share.generate}
        </Button>
      </div>
      {create.error && <Note tone="bad">{errorText(create.error)}</Note>}
      <div className={css.formActions}>
        <Button onClick={onCancel}>{t.common.cancel}</Button>
        <Button type="submit" tone="primary" busy={create.isPending}>
          {t.share.create}
        </Button>
      </div>
    </form>
  );
}
