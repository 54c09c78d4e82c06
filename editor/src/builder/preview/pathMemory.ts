// Where in its app a tab was: a refresh comes back to it.

import { isLocalPath } from "./messages";

const KEY = "slipway.preview.path.";

export function rememberPath(projectId: string, path: string): void {
  try {
    sessionStorage.setItem(KEY + projectId, path);
  } catch {
    // It begins at "/" again.
  }
}

export function recallPath(projectId: string): string {
  try {
    const path = sessionStorage.getItem(KEY + projectId);
    return path !== null && isLocalPath(path) ? path : "/";
  } catch {
    return "/";
  }
}
