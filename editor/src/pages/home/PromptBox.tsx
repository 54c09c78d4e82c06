import { useMutation } from "@tanstack/react-query";
import { ArrowUp } from "lucide-react";
import {
  useLayoutEffect,
  useRef,
  useState,
  type FormEvent,
  type KeyboardEvent,
} from "react";
import { Link, useLocation } from "wouter";
import { paths } from "../../app/paths";
import { isOwnText, putExample } from "../../app/putExample";
import { isString, recall, remember } from "../../app/storage";
import { useModelChoice, type ModelChoice } from "../../app/useModelChoice";
import { useOwnKey } from "../../app/useOwnKey";
import { t } from "../../strings";
import { Button, ErrorNote, Select } from "../../ui";
import css from "./PromptBox.module.css";
import { promptFits, startWithPrompt } from "./start";

const EXAMPLES = t.home.examplePrompts.map(({ prompt }) => prompt);

function ModelSelect({ models, model, choose }: ModelChoice) {
  return (
    <div className={css.model}>
      <Select
        label={t.home.model}
        hideLabel
        value={model ?? models[0]!.id}
        onChange={(event) => choose(event.target.value)}
      >
        {models.map(({ id }) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </Select>
    </div>
  );
}

function Examples({ onChoose }: { onChoose: (prompt: string) => void }) {
  return (
    <ul className={css.examples} aria-label={t.home.examples}>
      {t.home.examplePrompts.map(({ name, prompt }) => (
        <li key={name}>
          <button type="button" onClick={() => onChoose(prompt)}>
            {name}
          </button>
        </li>
      ))}
    </ul>
  );
}

export function PromptBox() {
  const draft = useOwnKey("home.prompt");
  const [prompt, setPrompt] = useState(() => recall(draft, isString) ?? "");
  const field = useRef<HTMLTextAreaElement>(null);
  const choice = useModelChoice();
  const isOffline =
    choice.models.length > 0 &&
    choice.models.every((m) => m.provider === "offline");
  const [, navigate] = useLocation();
  const start = useMutation({
    mutationFn: () => startWithPrompt(prompt.trim(), choice.model),
    onSuccess: (project) => {
      remember(draft, null);
      navigate(paths.project(project.id));
    },
  });
  const isEmpty = prompt.trim() === "";
  const fits = promptFits(prompt);

  const change = (text: string) => {
    setPrompt(text);
    remember(draft, text || null);
  };
  useLayoutEffect(() => {
    const element = field.current!;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [prompt]);
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (!isEmpty && fits && !start.isPending) {
      start.mutate();
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (
      event.key === "Enter" &&
      !event.shiftKey &&
      !event.nativeEvent.isComposing
    ) {
      event.preventDefault();
      submit();
    }
  };

  return (
    <div className={css.start}>
      <form className={css.box} onSubmit={submit}>
        <textarea
          ref={field}
          className={css.text}
          aria-label={t.home.promptLabel}
          aria-describedby="prompt-hint"
          placeholder={t.home.promptPlaceholder}
          rows={3}
          value={prompt}
          readOnly={start.isPending}
          onChange={(event) => change(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <div className={css.bar}>
          {choice.models.length > 1 && <ModelSelect {...choice} />}
          <span id="prompt-hint" className={css.hint}>
            {t.home.promptHint}
          </span>
          <Button
            type="submit"
            tone="primary"
            busy={start.isPending}
            disabled={isEmpty || !fits}
          >
            {!start.isPending && <ArrowUp aria-hidden="true" />}
            {t.home.start}
          </Button>
        </div>
      </form>
      {!fits && (
        <p role="alert" className={css.problem}>
          {t.home.tooLong}
        </p>
      )}
      {start.error && <ErrorNote error={start.error} onRetry={submit} />}
      <Examples
        onChoose={(example) => {
          putExample({
            example,
            before: prompt,
            isOwn: isOwnText(prompt, EXAMPLES),
            set: change,
          });
          field.current?.focus();
        }}
      />
      {isOffline && (
        <p className={css.offline}>
          {t.home.offlineModel}{" "}
          <Link href={`${paths.settings}/models`}>{t.home.addModel}</Link>
        </p>
      )}
    </div>
  );
}
