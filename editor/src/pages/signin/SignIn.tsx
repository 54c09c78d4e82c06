import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, type FormEvent } from "react";
import { useLocation } from "wouter";
import { isProblem, sendJson } from "../../api/http";
import { keys, useMe } from "../../api/queries";
import type { User } from "../../api/types";
import { Mark } from "../../app/Mark";
import { isEditorPath, nextPath } from "../../app/paths";
import { useTitle } from "../../app/title";
import { t } from "../../strings";
import { Button, Busy, Note, PasswordField, TextField } from "../../ui";
import { signInProblem } from "./problem";
import css from "./SignIn.module.css";
import { useCountdown } from "./useCountdown";

/** Leads on to ?next=, once there is a session. */
function useLeave(): () => void {
  const [, navigate] = useLocation();
  const next = nextPath(location.search); // wouter's own is decoded once already
  return () => {
    if (isEditorPath(next)) {
      navigate(next, { replace: true });
    } else {
      location.replace(next);
    }
  };
}

function SignInForm() {
  const client = useQueryClient();
  const email = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => email.current?.focus(), []);

  const signIn = useMutation({
    mutationFn: () =>
      sendJson<User>("POST", "/auth/login", {
        email: email.current!.value.trim(),
        password: password.current!.value,
      }),
    onSuccess: (user) => {
      // Whatever is there of somebody else's; not the query that this page watches.
      client.removeQueries({ type: "inactive" });
      client.setQueryData(keys.me, user);
    },
    onError: (error) => {
      if (isProblem(error, 401)) {
        password.current?.select();
      }
    },
  });
  const problem = signIn.error
    ? signInProblem(signIn.error, signIn.submittedAt)
    : null;
  const waitS = useCountdown(problem?.lockedUntil ?? null);
  const isLocked = waitS > 0;
  const isOver = problem?.lockedUntil != null && !isLocked;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };

  return (
    <form onSubmit={submit} className={css.form}>
      <TextField
        ref={email}
        label={t.signIn.email}
        type="email"
        name="email"
        autoComplete="username"
        inputMode="email"
        autoCapitalize="none"
        spellCheck={false}
        maxLength={254}
        required
      />
      <PasswordField
        ref={password}
        label={t.signIn.password}
        name="password"
        autoComplete="current-password"
        maxLength={1024}
        required
      />
      {problem && !isOver && (
        <Note tone="bad">
          {isLocked ? t.signIn.locked(waitS) : problem.text}
        </Note>
      )}
      <Button
        type="submit"
        tone="primary"
        busy={signIn.isPending}
        disabled={isLocked}
      >
        {t.signIn.submit}
      </Button>
    </form>
  );
}

export default function SignIn() {
  useTitle(t.signIn.title);
  const me = useMe();
  const leave = useLeave();
  const isIn = me.data !== undefined;
  useEffect(() => {
    if (isIn) {
      leave();
    }
    // Once; `leave` is another function each time.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [isIn]);
  if (isIn || me.isPending) {
    return <Busy />;
  }
  return (
    <main className={css.page}>
      <div className={css.card}>
        <div className={css.head}>
          <Mark size={44} />
          <h1>{t.common.appName}</h1>
          <p>{t.signIn.intro}</p>
        </div>
        <SignInForm />
        <details className={css.hint}>
          <summary>{t.signIn.firstTime}</summary>
          <p>
            {t.signIn.firstTimeText} <code>owner@localhost</code>.{" "}
            {t.signIn.firstTimePassword} <code>var/admin-password</code>.
          </p>
        </details>
      </div>
    </main>
  );
}
