// The open files, as what it is to open, close and move them.

import { isWithin, movedPath } from "./files/paths";

export interface Tabs {
  /** In the order they are shown in. */
  open: readonly string[];
  active: string | null;
  /** Last used first; for "Go to file". */
  recent: readonly string[];
}

export const NO_TABS: Tabs = { open: [], active: null, recent: [] };

const MAX_OPEN = 30;
const MAX_RECENT = 20;

export function openTab(tabs: Tabs, path: string): Tabs {
  const isNew = !tabs.open.includes(path);
  const at = tabs.active ? tabs.open.indexOf(tabs.active) + 1 : 0;
  return {
    open: isNew
      ? tabs.open.toSpliced(at || tabs.open.length, 0, path)
      : tabs.open,
    active: path,
    recent: [path, ...tabs.recent.filter((p) => p !== path)].slice(
      0,
      MAX_RECENT,
    ),
  };
}

/** The one used before it becomes the active one. */
export function closeTab(tabs: Tabs, path: string): Tabs {
  const at = tabs.open.indexOf(path);
  const open = tabs.open.filter((p) => p !== path);
  if (tabs.active !== path) {
    return { ...tabs, open };
  }
  const active =
    tabs.recent.find((p) => p !== path && open.includes(p)) ??
    open[Math.min(at, open.length - 1)] ??
    null;
  return { ...tabs, open, active };
}

/** Files were moved: `from` (a file or a directory) is `to` now. */
export function moveTabs(tabs: Tabs, from: string, to: string): Tabs {
  const move = (path: string) => movedPath(path, from, to);
  return {
    open: tabs.open.map(move),
    active: tabs.active && move(tabs.active),
    recent: tabs.recent.map(move),
  };
}

export function closeWithin(tabs: Tabs, dir: string): Tabs {
  return tabs.open
    .filter((path) => isWithin(path, dir))
    .reduce((all, path) => closeTab(all, path), tabs);
}

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

/** What was remembered, if it can be used. */
export function isTabs(value: unknown): value is Tabs {
  const tabs = value as Partial<Tabs> | null;
  return (
    typeof tabs === "object" &&
    tabs !== null &&
    isStrings(tabs.open) &&
    tabs.open.length <= MAX_OPEN &&
    isStrings(tabs.recent) &&
    (tabs.active === null ||
      (typeof tabs.active === "string" && tabs.open.includes(tabs.active)))
  );
}

/** What is worth remembering of it. */
export const rememberedTabs = (tabs: Tabs): Tabs => {
  const open = tabs.open.slice(-MAX_OPEN);
  return {
    ...tabs,
    open:
      tabs.active && !open.includes(tabs.active)
        ? [...open.slice(1), tabs.active]
        : open,
  };
};
