// A prompt on its way from the home page into a project's conversation. It is kept until the server has the turn, so
// that a refresh in between loses nothing.

import { recall, remember } from "../../app/storage";
import type { Ask } from "../context";

const keyOf = (projectId: string) => `ask.${projectId}`;

const isAsk = (value: unknown): value is Ask => {
  const ask = value as Partial<Ask> | null;
  return (
    typeof ask === "object" &&
    ask !== null &&
    typeof ask.prompt === "string" &&
    (ask.mode === "build" || ask.mode === "explain" || ask.mode === "fix") &&
    (ask.model === undefined || typeof ask.model === "string")
  );
};

export function setPendingAsk(projectId: string, ask: Ask): void {
  remember(keyOf(projectId), ask);
}

export function pendingAsk(projectId: string): Ask | null {
  return recall(keyOf(projectId), isAsk);
}

export function clearPendingAsk(projectId: string): void {
  remember(keyOf(projectId), null);
}
