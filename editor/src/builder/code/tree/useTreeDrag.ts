import { useState, type DragEvent } from "react";
import { baseName, dirName, isWithin, joinPath } from "../files/paths";
import type { TreeNode } from "./tree";

const TYPE = "application/x-slipway-path";

export interface TreeDrag {
  /** The folder that what is dragged would go into; null: none. */
  target: string | null;
  start(event: DragEvent, node: TreeNode): void;
  /** `node` null: the empty space, which is the root. */
  over(event: DragEvent, node: TreeNode | null): void;
  drop(event: DragEvent, node: TreeNode | null): void;
  end(): void;
}

const dirOf = (node: TreeNode | null): string => {
  if (!node) {
    return "";
  }
  return node.kind === "folder" ? node.path : dirName(node.path);
};

/** Rows are dragged to other folders, files from the desktop into one. */
export function useTreeDrag(
  onMove: (from: string, to: string) => void,
  onUpload: (files: File[], dir: string) => void,
): TreeDrag {
  const [target, setTarget] = useState<string | null>(null);
  return {
    target,
    start(event, node) {
      event.dataTransfer.setData(TYPE, node.path);
      event.dataTransfer.effectAllowed = "move";
    },
    over(event, node) {
      const { types } = event.dataTransfer;
      if (types.includes(TYPE) || types.includes("Files")) {
        event.preventDefault();
        event.stopPropagation();
        setTarget(dirOf(node));
      }
    },
    drop(event, node) {
      event.preventDefault();
      event.stopPropagation();
      setTarget(null);
      const dir = dirOf(node);
      const files = [...event.dataTransfer.files];
      const from = event.dataTransfer.getData(TYPE);
      const to = joinPath(dir, baseName(from));
      if (files.length > 0) {
        onUpload(files, dir);
      } else if (from && to !== from && !isWithin(dir, from)) {
        onMove(from, to);
      }
    },
    end: () => setTarget(null),
  };
}
