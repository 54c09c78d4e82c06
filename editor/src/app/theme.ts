import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark" | "system";

const KEY = "slipway.theme"; // public/theme.js reads it too
const listeners = new Set<() => void>();
const systemDark = matchMedia("(prefers-color-scheme: dark)");

function read(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
}

let theme = read();

function notify(): void {
  for (const listener of listeners) {
    listener();
  }
}
systemDark.addEventListener("change", notify);

export function setTheme(next: Theme): void {
  theme = next;
  if (next === "system") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = next;
  }
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // It holds until the page is closed.
  }
  notify();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useTheme = (): Theme =>
  useSyncExternalStore(subscribe, () => theme);

const isDark = () =>
  theme === "system" ? systemDark.matches : theme === "dark";

/** Whether dark is shown right now: for what cannot be styled by CSS (Monaco, xterm). */
export const useIsDark = (): boolean => useSyncExternalStore(subscribe, isDark);
