import { t } from "../strings";
import { isProblem } from "./http";

/** An error as a person reads it. */
export function errorText(error: unknown): string {
  if (isProblem(error)) {
    if (error.status === 0) {
      return error.body.title === "No answer in time"
        ? t.errors.timeout
        : t.errors.offline;
    }
    if (
      error.status === 401 &&
      error.type === "/problems/unauthenticated" &&
      !error.body.detail
    ) {
      return t.errors.signedOut;
    }
    const text = error.body.detail || error.body.title;
    return text
      ? text.charAt(0).toUpperCase() + text.slice(1)
      : t.errors.unknown(error.status);
  }
  return error instanceof Error ? error.message : String(error);
}
