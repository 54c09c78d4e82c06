import { useMutation } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { errorText } from "../../api/errorText";
import { isProblem, sendJson } from "../../api/http";
import { useMe } from "../../api/queries";
import { t } from "../../strings";
import { Button, Note, PasswordField, toast } from "../../ui";
import { isPasswordLongEnough } from "./password";
import css from "./settings.module.css";

const words = t.settings.account;

function PasswordForm() {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [isTried, setIsTried] = useState(false);
  const change = useMutation({
    mutationFn: () =>
      sendJson("POST", "/me/password", {
        current_password: current,
        new_password: next,
      }),
    onSuccess: () => {
      setCurrent("");
      setNext("");
      setIsTried(false);
      toast({ text: words.changed, tone: "good" });
    },
  });
  const isWrong = isProblem(change.error, 403);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setIsTried(true);
    if (isPasswordLongEnough(next)) {
      change.mutate();
    }
  };
  return (
    <form className={css.form} onSubmit={submit}>
      <h3>{words.passwordTitle}</h3>
      <PasswordField
        label={words.current}
        autoComplete="current-password"
        required
        maxLength={1024}
        value={current}
        error={isWrong ? words.wrong : null}
        onChange={(event) => setCurrent(event.target.value)}
      />
      <PasswordField
        label={words.next}
        hint={words.nextHint}
        autoComplete="new-password"
        required
        maxLength={1024}
        value={next}
        error={isTried && !isPasswordLongEnough(next) ? words.tooShort : null}
        onChange={(event) => setNext(event.target.value)}
      />
      {change.error && !isWrong && (
        <Note tone="bad">{errorText(change.error)}</Note>
      )}
      <p className={css.soft}>{words.others}</p>
      <Button type="submit" tone="primary" busy={change.isPending}>
        {words.submit}
      </Button>
    </form>
  );
}

export function Account() {
  const me = useMe().data;
  return (
    <>
      <dl className={css.facts}>
        <dt>{words.email}</dt>
        <dd>{me?.email}</dd>
        <dt>{words.role}</dt>
        <dd>{me?.role === "owner" ? words.owner : words.member}</dd>
      </dl>
      <PasswordForm />
    </>
  );
}
