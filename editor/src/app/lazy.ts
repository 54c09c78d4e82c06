import { lazy as reactLazy, type ComponentType } from "react";

const PAUSES_MS = [300, 1000, 3000];

/** What `load` gives; what fails on the way (a lost connection, a server that restarts) is asked for again. */
export async function persist<T>(
  load: () => Promise<T>,
  pausesMs: readonly number[] = PAUSES_MS,
): Promise<T> {
  for (const pauseMs of pausesMs) {
    try {
      return await load();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
  return load();
}

/** A component in a file of its own, fetched when it is first shown. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as React.lazy has it: whatever props it takes
export const lazy = <T extends ComponentType<any>>(
  load: () => Promise<{ default: T }>,
) => reactLazy(() => persist(load));
