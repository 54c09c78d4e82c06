import { ArrowUp, Square } from "lucide-react";
import {
  useLayoutEffect,
  useState,
  type KeyboardEvent,
  type RefObject,
} from "react";
import { errorText } from "../../api/errorText";
import type { Mode } from "../../api/types";
import { useModelChoice, type ModelChoice } from "../../app/useModelChoice";
import { t } from "../../strings";
import { Button, IconButton, toast } from "../../ui";
import { useBuilder, useSelected, useStore } from "../context";
import css from "./composer.module.css";

const MAX_BYTES = 32 * 1024;
const WARN_BYTES = MAX_BYTES * 0.9;
const MAX_HEIGHT_PX = 240;

const kb = (bytes: number): string => (bytes / 1024).toFixed(1);

function bytesOf(text: string): number {
  // At most three bytes to a UTF-16 unit: no need to count a short text.
  return text.length * 3 < WARN_BYTES
    ? text.length
    : new TextEncoder().encode(text).length;
}

/** As high as its text, up to a limit. */
function fit(box: HTMLTextAreaElement | null): void {
  if (box) {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, MAX_HEIGHT_PX)}px`;
  }
}

function ModeSwitch(props: { mode: Mode; onMode: (mode: Mode) => void }) {
  const options = [
    { value: "build", text: t.chat.modeBuild },
    { value: "explain", text: t.chat.modeAsk },
  ] as const;
  return (
    <fieldset className={css.modes}>
      <legend className="visually-hidden">{t.chat.mode}</legend>
      {options.map(({ value, text }) => (
        <label key={value}>
          <input
            type="radio"
            name="mode"
            className="visually-hidden"
            checked={props.mode === value}
            onChange={() => props.onMode(value)}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** Nothing to choose where there is only one. */
function ModelSelect({ models, model, choose }: ModelChoice) {
  return (
    models.length > 1 && (
      <select
        className={css.model}
        aria-label={t.chat.model}
        value={model ?? models[0]!.id}
        onChange={(event) => choose(event.target.value)}
      >
        {models.map(({ id }) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </select>
    )
  );
}

function SendOrStop({
  canSend,
  onSend,
}: {
  canSend: boolean;
  onSend: () => void;
}) {
  const { conversation } = useBuilder();
  const isRunning = useSelected(conversation, (s) => s.running !== null);
  const cancelling = useSelected(conversation, (s) => s.cancelling);
  const stop = async () => {
    try {
      await conversation.cancel();
    } catch (error) {
      toast({
        text: t.chat.stopFailed(errorText(error)),
        tone: "bad",
      });
    }
  };
  if (isRunning) {
    return (
      <Button busy={cancelling} onClick={() => void stop()}>
        {!cancelling && <Square aria-hidden="true" fill="currentColor" />}
        {cancelling ? t.chat.stopping : t.chat.stop}
      </Button>
    );
  }
  return (
    <IconButton
      tone="primary"
      label={t.chat.send}
      icon={<ArrowUp />}
      disabled={!canSend}
      onClick={onSend}
    />
  );
}

/** The box in which a message is written. What is in it is kept until it is sent. */
export function Composer({
  box,
  onSent,
}: {
  box: RefObject<HTMLTextAreaElement | null>;
  onSent: () => void;
}) {
  const { conversation } = useBuilder();
  const isRunning = useSelected(conversation, (s) => s.running !== null);
  const text = useStore(conversation.draft);
  const [mode, setMode] = useState<Mode>("build");
  const choice = useModelChoice();
  useLayoutEffect(() => fit(box.current), [box, text]);

  const bytes = bytesOf(text);
  const canSend = text.trim() !== "" && bytes <= MAX_BYTES && !isRunning;
  const send = () => {
    if (canSend) {
      conversation.ask({ prompt: text.trim(), mode });
      onSent();
    }
  };
  const onKey = (event: KeyboardEvent) => {
    const isEnter = event.key === "Enter" && !event.shiftKey;
    if (isEnter && !event.nativeEvent.isComposing) {
      event.preventDefault();
      send();
    }
  };
  const tooLong = bytes > MAX_BYTES;

  return (
    <form
      className={css.composer}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={box}
        rows={2}
        value={text}
        aria-label={t.chat.boxLabel}
        aria-describedby="composer-hint"
        aria-invalid={tooLong || undefined}
        placeholder={mode === "explain" ? t.chat.boxAsk : t.chat.boxBuild}
        onChange={(event) => conversation.draft.set(event.target.value)}
        onKeyDown={onKey}
      />
      <div className={css.controls}>
        <ModeSwitch mode={mode} onMode={setMode} />
        <ModelSelect {...choice} />
        <span
          id="composer-hint"
          className={css.hint}
          data-bad={tooLong || undefined}
          role={tooLong ? "alert" : undefined}
        >
          <Hint bytes={bytes} isWaiting={isRunning && text !== ""} />
        </span>
        <SendOrStop canSend={canSend} onSend={send} />
      </div>
    </form>
  );
}

function Hint({ bytes, isWaiting }: { bytes: number; isWaiting: boolean }) {
  if (bytes > MAX_BYTES) {
    return t.chat.tooLong(kb(bytes - MAX_BYTES));
  }
  if (bytes > WARN_BYTES) {
    return t.chat.size(kb(bytes), kb(MAX_BYTES));
  }
  return isWaiting ? (
    t.chat.hintBusy
  ) : (
    <span className="visually-hidden">{t.chat.hintKeys}</span>
  );
}
