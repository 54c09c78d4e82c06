import { useMemo, useState } from "react";
import { recall, remember } from "../../../app/storage";
import { parents } from "../files/paths";
import { foldersAtFirst } from "./tree";

const isStrings = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

export interface Folders {
  open: ReadonlySet<string>;
  set(path: string, isOpen: boolean): void;
  closeAll(): void;
  /** Opens the folders a file lies in. */
  reveal(path: string): void;
}

/** Which folders are open, remembered for each project. */
export function useFolders(
  projectId: string,
  paths: readonly string[],
): Folders {
  const key = `code.folders.${projectId}`;
  const [chosen, setChosen] = useState(() => recall(key, isStrings));
  const open = useMemo(
    () => (chosen ? new Set(chosen) : foldersAtFirst(paths)),
    [chosen, paths],
  );
  return useMemo(() => {
    const change = (next: Set<string>) => {
      setChosen([...next]);
      remember(key, [...next]);
    };
    return {
      open,
      set(path, isOpen) {
        const next = new Set(open);
        if (isOpen) {
          next.add(path);
        } else {
          next.delete(path);
        }
        change(next);
      },
      closeAll: () => change(new Set()),
      reveal(path) {
        if (parents(path).some((dir) => !open.has(dir))) {
          change(new Set([...open, ...parents(path)]));
        }
      },
    };
  }, [open, key]);
}
