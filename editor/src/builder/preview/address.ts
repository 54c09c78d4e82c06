import { isLocalPath } from "./messages";

/**
 * The path that somebody typed into the address bar, or pasted as a whole address of this preview; null
 * for what is neither.
 */
export function typedPath(typed: string, previewUrl: string): string | null {
  const wanted = typed.trim();
  const origin = new URL(previewUrl).origin;
  let url: URL;
  try {
    url = /^[a-z][a-z0-9+.-]*:\/\//i.test(wanted)
      ? new URL(wanted)
      : new URL(wanted.replace(/^\/*/, "/"), origin);
  } catch {
    return null;
  }
  const path = url.pathname + url.search + url.hash;
  return url.origin === origin && isLocalPath(path) ? path : null;
}

/** Where a path opens in a tab of its own: that tab gets a ticket of its own. */
export const openUrl = (slug: string, path: string): string =>
  `/api/v1/previews/${slug}/open?to=${encodeURIComponent(path)}`;
