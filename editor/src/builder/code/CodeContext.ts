// What the parts of the code pane share.

import { createContext, useContext } from "react";
import type { FileList } from "../../api/types";
import type { CodeSession } from "./session";
import type { FileActions } from "./useFileActions";

export interface Code {
  session: CodeSession;
  /** undefined: not known yet. */
  list: FileList | undefined;
  /** Files the model writes right now. */
  writing: ReadonlySet<string>;
  actions: FileActions;
  open(path: string, at?: { line: number; column?: number }): void;
  /** Asks first when there is something unsaved in it. */
  close(path: string): void;
  save(paths: readonly string[]): void;
}

export const CodeContext = createContext<Code | null>(null);

export function useCode(): Code {
  const code = useContext(CodeContext);
  if (!code) {
    throw new Error("useCode outside of the code pane");
  }
  return code;
}
