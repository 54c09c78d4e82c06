// What went wrong after a turn had ended well: the app crashed, or the page in the preview says so.

import type { AppFeedState, PageMessage, Turn } from "../context";
import { t } from "../../strings";
import { failedStep } from "./stepText";
import { plainText } from "./text";

export interface Trouble {
  /** The same trouble has the same key: once put aside it stays aside. */
  key: string;
  title: string;
  text: string;
  /** What the model is told. */
  prompt: string;
}

const LOG_LINES = 40;
const MAX_CHARACTERS = 6000;

function crash(app: AppFeedState): Trouble | null {
  const { status, lines } = app;
  if (status?.state !== "crashed") {
    return null;
  }
  const error = plainText(
    status.error ||
      (status.signal && t.chat.signal(status.signal)) ||
      (status.exit_code && t.chat.exitCode(status.exit_code)) ||
      status.detail,
  );
  const log = plainText(
    lines
      .slice(-LOG_LINES)
      .map((line) => line.text)
      .join("\n"),
  );
  return {
    key: `crash ${status.version} ${error}`,
    title: t.chat.crashed,
    text: error,
    prompt: t.chat.crashedPrompt(error, log.slice(-MAX_CHARACTERS)),
  };
}

function pageError(
  messages: readonly PageMessage[],
  since: number,
): Trouble | null {
  const message = messages.findLast(
    (m) => m.t > since && (m.kind === "error" || m.level === "error"),
  );
  if (!message) {
    return null;
  }
  const text = plainText(message.text);
  const all = [text, message.detail && plainText(message.detail)]
    .filter(Boolean)
    .join("\n");
  return {
    key: `page ${text}`,
    title: t.chat.pageError,
    text,
    prompt: t.chat.pageErrorPrompt(all.slice(0, MAX_CHARACTERS)),
  };
}

/** When the page began to be what the last turn made of it: errors from before are of the page before. */
export function madeAt(last: Turn | null): number {
  const steps = last?.steps.filter((step) => step.name !== "complete") ?? [];
  return steps[0]?.startedAt ?? last?.startedAt ?? 0;
}

/** The one thing to tell: a crash before a page's error, and neither of what the last turn says itself. */
export function findTrouble(
  last: Turn | null,
  app: AppFeedState,
  messages: readonly PageMessage[],
): Trouble | null {
  if (last && failedStep(last)) {
    return null;
  }
  return crash(app) ?? pageError(messages, madeAt(last));
}
