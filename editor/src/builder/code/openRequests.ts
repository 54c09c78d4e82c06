// "Show this file": asked by any part of the page, done by the code pane when it is there. It is apart from
// the pane so that asking does not load the editor.

export interface OpenRequest {
  projectId: string;
  path: string;
  at: { line: number; column?: number } | null;
}

let waiting: OpenRequest | null = null;
const listeners = new Set<() => void>();

/** Asks the code pane of a project to show a file; the last one asked for wins. */
export function requestOpen(
  projectId: string,
  path: string,
  at?: { line: number; column?: number },
): void {
  waiting = { projectId, path, at: at ?? null };
  for (const listener of listeners) {
    listener();
  }
}

/** What was asked for and not yet done; it is forgotten by this. */
export function takeOpenRequest(projectId: string): OpenRequest | null {
  if (waiting?.projectId !== projectId) {
    return null;
  }
  const request = waiting;
  waiting = null;
  return request;
}

export function onOpenRequest(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
