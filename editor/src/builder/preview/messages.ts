// What the page in the preview may tell the window around it (docs/API.md, "What the editor sees of a page").
// All of it is written by the app: every field is looked at, bounded, and shown as text only.

import type { PageMessage } from "../context";

export type Said =
  | {
      type: "location";
      path: string;
      title: string;
      /** It has just begun to load. */
      isStart: boolean;
      /** A browser that does not tell may do it. */
      canBack: boolean;
      canForward: boolean;
    }
  | { type: "message"; message: Omit<PageMessage, "id"> };

const TEXT_MAX = 8192;
const PATH_MAX = 2048;
const LEVELS: readonly string[] = ["debug", "log", "info", "warn", "error"];

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null;

const text = (value: unknown, max = TEXT_MAX): string =>
  typeof value === "string" ? value.slice(0, max) : "";

const count = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0
    ? Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER)
    : 0;

function readPlace(value: unknown): PageMessage["at"] {
  if (!isFields(value) || typeof value.url !== "string" || value.url === "") {
    return null;
  }
  return {
    url: text(value.url, PATH_MAX),
    line: count(value.line),
    column: count(value.column),
  };
}

/** A path of the preview's own: `go` takes no other. */
export const isLocalPath = (path: string): boolean =>
  path.length <= PATH_MAX &&
  /^\/(?![/\\])/.test(path) &&
  !path.includes("\\") &&
  [...path].every((c) => c > " " && c !== "\u007f");

export interface Words {
  dropped: (count: number) => string;
  noAnswer: string;
}

function readNetwork(data: Fields): Pick<PageMessage, "text" | "detail"> {
  const status = count(data.status);
  const duration = count(data.duration_ms);
  const error = text(data.error);
  return {
    text: [text(data.method, 16), text(data.url, PATH_MAX), status || ""]
      .filter(Boolean)
      .join(" "),
    detail:
      [error, duration ? `${duration} ms` : ""].filter(Boolean).join(", ") ||
      null,
  };
}

/** Some errors reach the page's window without their words: those are in the stack. */
function errorText(said: string, stack: string): string {
  const first = stack.split("\n", 1)[0] ?? "";
  return said === "Uncaught" && first !== "" ? `${said} ${first}` : said;
}

function readMessage(
  data: Fields,
  words: Words,
): Omit<PageMessage, "id" | "t"> | null {
  const at = readPlace(data.at);
  switch (data.type) {
    case "console": {
      const level = LEVELS.includes(data.level as string) ? data.level : "log";
      return {
        kind: "console",
        level: level as PageMessage["level"],
        text: text(data.text),
        detail: null,
        at,
      };
    }
    case "error":
      return {
        kind: "error",
        level: "error",
        text: errorText(text(data.text), text(data.stack)),
        detail: text(data.stack) || null,
        at,
      };
    case "network": {
      const said = readNetwork(data);
      const detail =
        said.detail ?? (count(data.status) ? null : words.noAnswer);
      return {
        kind: "network",
        level: "error",
        text: said.text,
        detail,
        at: null,
      };
    }
    case "dropped":
      return {
        kind: "console",
        level: "warn",
        text: words.dropped(count(data.count)),
        detail: null,
        at: null,
      };
    default:
      return null;
  }
}

/** What a message's data says; null when it is not the inspector's. `now` is in Unix ms. */
export function readSaid(
  data: unknown,
  words: Words,
  now: number,
): Said | null {
  if (!isFields(data) || data.source !== "slipway-preview" || data.v !== 1) {
    return null;
  }
  if (data.type === "location") {
    const path = text(data.path, PATH_MAX + 1);
    return isLocalPath(path)
      ? {
          type: "location",
          path,
          title: text(data.title, 200),
          isStart: data.start === true,
          canBack: data.can_back !== false,
          canForward: data.can_forward !== false,
        }
      : null;
  }
  const message = readMessage(data, words);
  // A page's clock may say anything; its messages stand in the order they came in.
  return message && { type: "message", message: { ...message, t: now } };
}

/** The same message again and again is shown once, with how often. */
export function groupMessages(
  messages: readonly PageMessage[],
): { message: PageMessage; times: number }[] {
  const groups: { message: PageMessage; times: number }[] = [];
  for (const message of messages) {
    const last = groups.at(-1);
    if (
      last &&
      last.message.kind === message.kind &&
      last.message.level === message.level &&
      last.message.text === message.text &&
      last.message.detail === message.detail
    ) {
      last.times++;
    } else {
      groups.push({ message, times: 1 });
    }
  }
  return groups;
}

/** Errors of the page as it is now: what was said before `since`, Unix ms, is of the page before. */
export const countErrors = (
  messages: readonly PageMessage[],
  since: number,
): number =>
  messages.filter(({ level, t }) => level === "error" && t >= since).length;
