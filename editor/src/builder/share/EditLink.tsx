import { useState, type FormEvent } from "react";
import { errorText } from "../../api/errorText";
import type { Share } from "../../api/types";
import { t } from "../../strings";
import {
  Button,
  Dialog,
  Note,
  PasswordField,
  Select,
  TextField,
} from "../../ui";
import { expiryFields } from "./expiry";
import { ExpiryField, type ExpiryChoice } from "./ExpiryField";
import css from "./share.module.css";
import { useChangeShare } from "./useShares";

const FORM = "edit-link";
const PASSWORD_MIN = 8;

type PasswordChange = "keep" | "set" | "none";

export function EditLink({
  projectId,
  share,
  onClose,
}: {
  projectId: string;
  share: Share;
  onClose: () => void;
}) {
  const [name, setName] = useState(share.name);
  const [choice, setChoice] = useState<ExpiryChoice>({
    expiry: "keep",
    date: "",
  });
  const [change, setChange] = useState<PasswordChange>("keep");
  const [password, setPassword] = useState("");
  const [isTried, setIsTried] = useState(false);
  const save = useChangeShare(projectId);

  const expires = expiryFields(choice.expiry, choice.date);
  const isShort = change === "set" && password.length < PASSWORD_MIN;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setIsTried(true);
    if (!expires || isShort) {
      return;
    }
    save.mutate(
      {
        id: share.id,
        ...expires,
        ...(name !== share.name && {
          name: name.trim() || null,
        }),
        ...(change !== "keep" && {
          password: change === "set" ? password : null,
        }),
      },
      { onSuccess: onClose },
    );
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={t.share.editTitle}
      actions={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button
            type="submit"
            form={FORM}
            tone="primary"
            busy={save.isPending}
          >
            {t.common.save}
          </Button>
        </>
      }
    >
      <form id={FORM} className={css.fields} onSubmit={submit}>
        <TextField
          label={t.share.name}
          value={name}
          maxLength={100}
          onChange={(event) => setName(event.target.value)}
        />
        <ExpiryField
          keeps
          value={choice}
          onChange={setChoice}
          error={isTried && !expires ? t.share.dateMissing : null}
        />
        <Select
          label={t.share.newPassword}
          value={change}
          onChange={(event) => setChange(event.target.value as PasswordChange)}
        >
          <option value="keep">{t.share.passwordKeep}</option>
          <option value="set">{t.share.passwordSet}</option>
          {share.has_password && (
            <option value="none">{t.share.passwordNone}</option>
          )}
        </Select>
        {change === "set" && (
          <PasswordField
            label={t.share.passwordNew}
            hint={t.share.passwordHint}
            error={isTried && isShort ? t.share.passwordShort : null}
            autoComplete="new-password"
            value={password}
            maxLength={1024}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
        {save.error && <Note tone="bad">{errorText(save.error)}</Note>}
      </form>
    </Dialog>
  );
}
