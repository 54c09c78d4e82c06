// A prompt on its way to the server: kept until the server has it, so that a refresh in between, or the way
// from the home page to the builder, does not lose it.

import { recall, remember } from "../../app/storage";
import type { Ask } from "../context";

export interface PendingAsk extends Ask {
  at: number; // Unix ms
}

const keyOf = (projectId: string) => `ask.${projectId}`;

const isPending = (value: unknown): value is PendingAsk => {
  const ask = value as Partial<PendingAsk> | null;
  return (
    typeof ask === "object" &&
    ask !== null &&
    typeof ask.prompt === "string" &&
    typeof ask.at === "number" &&
    (ask.mode === "build" || ask.mode === "explain" || ask.mode === "fix") &&
    (ask.model === undefined || typeof ask.model === "string")
  );
};

export function setPendingAsk(projectId: string, ask: Ask): void {
  remember(keyOf(projectId), { ...ask, at: Date.now() });
}

export const pendingAsk = (projectId: string): PendingAsk | null =>
  recall(keyOf(projectId), isPending);

export const clearPendingAsk = (projectId: string): void =>
  remember(keyOf(projectId), null);
