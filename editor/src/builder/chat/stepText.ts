// What a step did, in words.

import type { StepEvent } from "../../api/types";
import { t } from "../../strings";
import type { Turn, TurnStep } from "../context";

export type Standing = "now" | "good" | "bad" | "skipped" | "broken";

export function standingOf(step: TurnStep, isTurnRunning: boolean): Standing {
  switch (step.last.state) {
    case "failed":
      return "bad";
    case "skipped":
      return "skipped";
    case "finished":
    case "listening":
      return "good";
    default:
      return isTurnRunning ? "now" : "broken";
  }
}

export function titleOf(step: TurnStep, standing: Standing): string {
  const words = t.chat.step[step.name];
  if (!words) {
    return step.name; // a step this page does not know
  }
  if (step.last.state === "queued") {
    return `${words.now}: ${t.chat.stepQueued}`;
  }
  if (standing === "skipped") {
    return words.none;
  }
  return words[standing === "broken" ? "now" : standing];
}

/** Why it ended as it did, or where it listens; empty when there is nothing to say. */
export function detailOf(step: TurnStep, standing: Standing): string[] {
  const { last } = step;
  if (standing === "skipped") {
    return last.reason ? [last.reason] : [];
  }
  if (standing === "broken") {
    return [t.chat.stepBroken];
  }
  if (standing === "good") {
    return last.state === "listening" && last.port
      ? [t.chat.listening(last.port)]
      : [];
  }
  return standing === "bad" ? failureOf(last) : [];
}

function failureOf(last: StepEvent): string[] {
  const pages = (last.failures ?? []).map((failure) =>
    t.chat.failure(failure.url, failure.error ?? String(failure.status)),
  );
  return [
    last.timed_out ? t.chat.timedOut : "",
    last.oom_killed ? t.chat.outOfMemory : "",
    last.error ?? last.reason ?? "",
    !last.error && last.signal ? t.chat.signal(last.signal) : "",
    !last.error && last.exit_code ? t.chat.exitCode(last.exit_code) : "",
    ...pages,
  ]
    .filter(Boolean)
    .map((line) => line.charAt(0).toUpperCase() + line.slice(1));
}

/** The step that went wrong, when the version stands but does not work. */
export function failedStep(turn: Turn): TurnStep | null {
  return turn.version !== null && turn.state === "done"
    ? (turn.steps.findLast((step) => step.last.state === "failed") ?? null)
    : null;
}
