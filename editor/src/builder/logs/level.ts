// How grave a line is. Programs do not say it in one way: it is guessed from where they print and what.

import type { FeedLine } from "../context";

export type Level = "error" | "warn" | "info";

const NO_ERROR = /\b(?:0|no|without) (?:errors?|warnings?|vulnerabilities)\b/gi;
const ERROR =
  /\b(?:error|errors|err!|fatal|exception|uncaught|unhandled|panic|failed|cannot find|ELIFECYCLE|EADDRINUSE|ENOENT|EACCES)\b|✗|✘|⨯/i;
const ERROR_NAME = /\b[A-Z]\w*(?:Error|Exception)\b/;
const WARN = /\b(?:warn|warning|warnings|deprecated)\b|⚠/i;
const NOTE = /^(?:npm (?:notice|info)|\s*$|[$>] )/;
const STACK_FRAME = /^\s+at .+/;

export function levelOf(
  line: Pick<FeedLine, "stream" | "text" | "state">,
): Level {
  if (line.state) {
    return line.state === "crashed" || line.state === "failed"
      ? "error"
      : "info";
  }
  const text = line.text.replace(NO_ERROR, "");
  if (line.stream === "system") {
    return ERROR.test(text) && !text.startsWith("$") ? "error" : "info";
  }
  // "npm warn … failed" and "(node:1) Warning: … Error" say themselves what they are.
  const warns = WARN.exec(text);
  const fails = ERROR.exec(text) ?? ERROR_NAME.exec(text);
  if (warns && (!fails || warns.index < fails.index)) {
    return "warn";
  }
  if (fails) {
    return "error";
  }
  if (line.stream === "stderr") {
    if (STACK_FRAME.test(text)) {
      return "error";
    }
    return NOTE.test(text) ? "info" : "warn";
  }
  return "info";
}
