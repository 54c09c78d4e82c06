import { errorText } from "../../api/errorText";
import { t } from "../../strings";
import { CutOff, type RunState } from "./run";

export interface Outcome {
  tone: "good" | "bad" | "warn";
  text: string;
}

export function durationText(ms: number): string {
  return ms < 1000
    ? t.time.ms(Math.round(ms))
    : t.time.s((ms / 1000).toFixed(ms < 9950 ? 2 : 1));
}

/** How a run ended, in words; null while it has not. */
export function outcome(state: RunState): Outcome | null {
  const { phase, exit, error, stoppedByUser } = state;
  if (phase !== "ended") {
    return null;
  }
  if (stoppedByUser) {
    return { tone: "warn", text: t.script.stopped };
  }
  if (!exit) {
    const text = error instanceof CutOff ? t.script.cutOff : errorText(error);
    return { tone: "bad", text };
  }
  const took = durationText(exit.duration_ms);
  if (exit.timed_out) {
    return { tone: "bad", text: t.script.timedOut(took) };
  }
  if (exit.truncated) {
    return { tone: "bad", text: t.script.truncated(took) };
  }
  if (exit.oom_killed) {
    return { tone: "bad", text: t.script.outOfMemory(took) };
  }
  if (exit.signal) {
    return { tone: "bad", text: t.script.signal(exit.signal, took) };
  }
  return exit.exit_code
    ? { tone: "bad", text: t.script.endedWith(exit.exit_code, took) }
    : { tone: "good", text: t.script.ended(took) };
}
