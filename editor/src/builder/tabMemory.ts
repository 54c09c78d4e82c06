// Which tab each project was left at.

import { isTab, type Tab } from "../app/paths";
import { recall, remember } from "../app/storage";

const KEY = "builder.tabs";
const MAX_PROJECTS = 100;

type Entry = [id: string, tab: Tab];

const isEntries = (value: unknown): value is Entry[] =>
  Array.isArray(value) &&
  value.every(
    (entry) =>
      Array.isArray(entry) && typeof entry[0] === "string" && isTab(entry[1]),
  );

const entries = (): Entry[] => recall(KEY, isEntries) ?? [];

export const tabOf = (id: string): Tab =>
  entries().find(([known]) => known === id)?.[1] ?? "preview";

export function rememberTab(id: string, tab: Tab): void {
  const others = entries().filter(([known]) => known !== id);
  remember(KEY, [[id, tab], ...others].slice(0, MAX_PROJECTS));
}
