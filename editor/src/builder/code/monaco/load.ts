// Monaco is large: it is loaded when the first file is opened, and once.

import type * as Setup from "./setup";

let loading: Promise<typeof Setup> | null = null;

export function loadMonaco(): Promise<typeof Setup> {
  loading ??= import("./setup").catch((error: unknown) => {
    loading = null; // the next one tries again
    throw error;
  });
  return loading;
}
