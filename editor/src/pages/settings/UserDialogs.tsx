import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent, type ReactNode } from "react";
import { errorText } from "../../api/errorText";
import { sendJson } from "../../api/http";
import { keys } from "../../api/queries";
import type { User } from "../../api/types";
import { t } from "../../strings";
import {
  Button,
  Dialog,
  Note,
  PasswordField,
  Select,
  TextField,
  toast,
} from "../../ui";
import { isPasswordLongEnough } from "./password";
import css from "./settings.module.css";

const words = t.settings.users;
const FORM = "user-form";

function FormDialog({
  title,
  description,
  submitText,
  busy,
  error,
  onSubmit,
  onClose,
  children,
}: {
  title: string;
  description?: string;
  submitText: string;
  busy: boolean;
  error: unknown;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
}) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={description}
      actions={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" form={FORM} tone="primary" busy={busy}>
            {submitText}
          </Button>
        </>
      }
    >
      <form id={FORM} className={css.fields} onSubmit={submit}>
        {children}
        {error !== null && <Note tone="bad">{errorText(error)}</Note>}
      </form>
    </Dialog>
  );
}

export function AddUser({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<User["role"]>("member");
  const [isTried, setIsTried] = useState(false);
  const add = useMutation({
    mutationFn: () =>
      sendJson<User>("POST", "/users", {
        email: email.trim(),
        password,
        role,
      }),
    onSuccess: (user) => {
      toast({ text: words.added(user.email), tone: "good" });
      void client.invalidateQueries({ queryKey: keys.users });
      onClose();
    },
  });
  const isShort = !isPasswordLongEnough(password);
  return (
    <FormDialog
      title={words.addTitle}
      submitText={words.add}
      busy={add.isPending}
      error={add.error}
      onClose={onClose}
      onSubmit={() => {
        setIsTried(true);
        if (!isShort) {
          add.mutate();
        }
      }}
    >
      <TextField
        label={words.email}
        type="email"
        autoComplete="off"
        required
        maxLength={254}
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <PasswordField
        label={words.password}
        hint={words.passwordHint}
        autoComplete="new-password"
        required
        maxLength={1024}
        value={password}
        error={isTried && isShort ? t.settings.account.tooShort : null}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Select
        label={words.role}
        value={role}
        onChange={(event) => setRole(event.target.value as User["role"])}
      >
        <option value="member">{t.settings.account.member}</option>
        <option value="owner">{t.settings.account.owner}</option>
      </Select>
    </FormDialog>
  );
}

export function SetPassword({
  user,
  onClose,
}: {
  user: User;
  onClose: () => void;
}) {
  const [password, setPassword] = useState("");
  const [isTried, setIsTried] = useState(false);
  const save = useMutation({
    mutationFn: () => sendJson("PATCH", `/users/${user.id}`, { password }),
    onSuccess: () => {
      toast({ text: words.passwordSet, tone: "good" });
      onClose();
    },
  });
  const isShort = !isPasswordLongEnough(password);
  return (
    <FormDialog
      title={words.setPasswordTitle(user.email)}
      description={words.setPasswordText}
      submitText={words.setPassword}
      busy={save.isPending}
      error={save.error}
      onClose={onClose}
      onSubmit={() => {
        setIsTried(true);
        if (!isShort) {
          save.mutate();
        }
      }}
    >
      <PasswordField
        label={words.password}
        hint={words.passwordHint}
        autoComplete="new-password"
        required
        maxLength={1024}
        value={password}
        error={isTried && isShort ? t.settings.account.tooShort : null}
        onChange={(event) => setPassword(event.target.value)}
      />
    </FormDialog>
  );
}
