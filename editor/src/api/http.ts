import type { ProblemBody } from "./types";

const BASE = "/api/v1";
const TIMEOUT_MS = 30_000;

/** An error the API answered with (RFC 9457), or `status` 0: there was no answer. */
export class Problem extends Error {
  readonly status: number;
  readonly type: string;
  readonly requestId: string | null;
  readonly retryAfterS: number | null;
  /** All fields of the answer; some problems have more than the usual ones. */
  readonly body: ProblemBody & Record<string, unknown>;

  constructor(
    body: ProblemBody & Record<string, unknown>,
    retryAfterS: number | null = null,
  ) {
    super(body.detail || body.title);
    this.name = "Problem";
    this.status = body.status;
    this.type = body.type;
    this.requestId = body.request_id ?? null;
    this.retryAfterS = retryAfterS;
    this.body = body;
  }

  /** Nothing was said about the request itself: asking again may help. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }

  /** Asking again would bring the same: it is gone, or nobody is signed in. */
  get isFinal(): boolean {
    return !this.isTransient && this.status < 500;
  }
}

export function isProblem(
  error: unknown,
  ...statuses: number[]
): error is Problem {
  return (
    error instanceof Problem &&
    (statuses.length === 0 || statuses.includes(error.status))
  );
}

/** Called when an answer says that nobody is signed in (any more). */
let onSignedOut: () => void = () => {};
export function setOnSignedOut(handler: () => void): void {
  onSignedOut = handler;
}

/** Called when a request got no answer, or only a proxy's that the server gave none. */
let onNoAnswer: () => void = () => {};
export function setOnNoAnswer(handler: () => void): void {
  onNoAnswer = handler;
}

function networkProblem(cause: unknown): Problem {
  const timedOut =
    cause instanceof DOMException && cause.name === "TimeoutError";
  return new Problem({
    type: "/problems/network",
    title: timedOut ? "No answer in time" : "No connection",
    status: 0,
    detail: "",
  });
}

async function problemOf(response: Response): Promise<Problem> {
  let body: Partial<ProblemBody> = {};
  try {
    body = (await response.json()) as Partial<ProblemBody>;
  } catch {
    // A proxy's own page.
  }
  const retryAfter = Number(response.headers.get("Retry-After"));
  return new Problem(
    {
      type: "/problems/unknown",
      title: response.statusText,
      detail: "",
      ...body,
      status: response.status,
    },
    Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : null,
  );
}

export interface RequestOptions {
  method?: string;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. */
  body?: BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** null: none, for streams. */
  timeoutMs?: number | null;
}

/** A request to the API; throws a Problem unless the answer is a success. An abort throws an AbortError. */
export async function request(
  path: string,
  options: RequestOptions = {},
): Promise<Response> {
  const { json, timeoutMs = TIMEOUT_MS, signal } = options;
  const headers: Record<string, string> = { ...options.headers };
  if (json !== undefined) {
    headers["Content-Type"] = "application/json";
  }
  const signals = [
    ...(signal ? [signal] : []),
    ...(timeoutMs === null ? [] : [AbortSignal.timeout(timeoutMs)]),
  ];
  let response: Response;
  try {
    response = await fetch(BASE + path, {
      method: options.method ?? "GET",
      headers,
      body: json === undefined ? options.body : JSON.stringify(json),
      credentials: "same-origin",
      cache: "no-store",
      signal: signals.length > 0 ? AbortSignal.any(signals) : undefined,
    });
  } catch (cause) {
    if (signal?.aborted) {
      throw cause;
    }
    onNoAnswer();
    throw networkProblem(cause);
  }
  if (response.ok) {
    return response;
  }
  const problem = await problemOf(response);
  if (problem.status === 401 && !path.startsWith("/auth/")) {
    onSignedOut();
  }
  if (problem.status >= 502 && problem.status <= 504) {
    onNoAnswer();
  }
  throw problem;
}

export async function getJson<T>(
  path: string,
  options?: RequestOptions,
): Promise<T> {
  const response = await request(path, options);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export function sendJson<T>(
  method: "POST" | "PATCH" | "PUT" | "DELETE",
  path: string,
  json?: unknown,
  options?: RequestOptions,
): Promise<T> {
  return getJson<T>(path, { ...options, method, json });
}

/** A path of a file as it stands in an address. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
