import { useSyncExternalStore } from "react";

const MINUTE_MS = 60_000;

let minutes = 0;
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function tick(): void {
  minutes++;
  for (const listener of listeners) {
    listener();
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, MINUTE_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Renders what uses it again every minute; one timer for all. */
export const useMinute = (): number =>
  useSyncExternalStore(subscribe, () => minutes);
