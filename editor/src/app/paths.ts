// The addresses of the editor's pages.

export const TABS = [
  "preview",
  "code",
  "terminal",
  "logs",
  "versions",
] as const;
export type Tab = (typeof TABS)[number];

export const isTab = (value: unknown): value is Tab =>
  TABS.includes(value as Tab);

export const paths = {
  home: "/",
  signIn: "/sign-in",
  settings: "/settings",
  script: "/scratch",
  project: (id: string, tab?: Tab) =>
    tab ? `/projects/${id}/${tab}` : `/projects/${id}`,
};

/**
 * Where to go after signing in: a path of this site, from ?next=. Anything that a browser could take
 * for another site's address is not one.
 */
export function nextPath(search: string): string {
  const next = new URLSearchParams(search).get("next");
  if (!next) {
    return paths.home;
  }
  try {
    const url = new URL(next, location.origin);
    const path = url.pathname + url.search + url.hash;
    const isLocal =
      isAbsolutePath(next) &&
      isAbsolutePath(path) && // "/..//host" only becomes one when it is resolved
      url.origin === location.origin;
    return isLocal && url.pathname !== paths.signIn ? path : paths.home;
  } catch {
    return paths.home;
  }
}

const isAbsolutePath = (text: string) => /^\/(?![/\\])/.test(text);

const PAGES = /^\/(?:$|sign-in$|scratch$|settings(?:\/|$)|projects\/)/;

/** Whether this page shows what is at a path of this site; else the browser has to go there. */
export function isEditorPath(path: string): boolean {
  return PAGES.test(new URL(path, location.origin).pathname);
}
