import { errorText } from "../../api/errorText";
import { isProblem } from "../../api/http";
import { t } from "../../strings";

const DEFAULT_WAIT_S = 30;

export interface SignInProblem {
  text: string;
  /** Unix ms: until then there is no use in trying again. */
  lockedUntil: number | null;
}

/** What kept somebody from signing in, in words. */
export function signInProblem(error: unknown, now: number): SignInProblem {
  if (isProblem(error, 401)) {
    return { text: t.signIn.wrong, lockedUntil: null };
  }
  if (isProblem(error, 429)) {
    const waitS = error.retryAfterS ?? DEFAULT_WAIT_S;
    return { text: t.signIn.locked(waitS), lockedUntil: now + waitS * 1000 };
  }
  if (isProblem(error, 0)) {
    return { text: t.signIn.offline, lockedUntil: null };
  }
  return { text: errorText(error), lockedUntil: null };
}
