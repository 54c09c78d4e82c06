// The flat list of files as a tree, and the tree as the rows that are seen.

import { baseName, parents } from "../files/paths";

export interface FileNode {
  kind: "file";
  path: string;
  name: string;
}

export interface FolderNode {
  kind: "folder";
  path: string;
  name: string;
  children: TreeNode[];
}

export type TreeNode = FileNode | FolderNode;

/** A line of the tree as it is shown. `level`, `position` and `siblings` are ARIA's, from 1. */
export interface Row {
  node: TreeNode;
  level: number;
  position: number;
  siblings: number;
  isOpen: boolean;
}

const collator = new Intl.Collator("en", {
  numeric: true,
  sensitivity: "base",
});

function byKindAndName(a: TreeNode, b: TreeNode): number {
  if (a.kind !== b.kind) {
    return a.kind === "folder" ? -1 : 1;
  }
  return collator.compare(a.name, b.name) || (a.name < b.name ? -1 : 1);
}

function sort(nodes: TreeNode[]): void {
  nodes.sort(byKindAndName);
  for (const node of nodes) {
    if (node.kind === "folder") {
      sort(node.children);
    }
  }
}

/** Folders before files, each by name as people order them ("page2" before "page10"). */
export function buildTree(paths: readonly string[]): TreeNode[] {
  const root: TreeNode[] = [];
  const folders = new Map<string, FolderNode>();
  const childrenOf = (dir: string): TreeNode[] =>
    folders.get(dir)?.children ?? root;
  for (const path of paths) {
    let parent = "";
    for (const dir of parents(path)) {
      if (!folders.has(dir)) {
        const folder: FolderNode = {
          kind: "folder",
          path: dir,
          name: baseName(dir),
          children: [],
        };
        childrenOf(parent).push(folder);
        folders.set(dir, folder);
      }
      parent = dir;
    }
    childrenOf(parent).push({ kind: "file", path, name: baseName(path) });
  }
  sort(root);
  return root;
}

/** The rows seen while the folders in `open` are open. */
export function visibleRows(
  tree: readonly TreeNode[],
  open: ReadonlySet<string>,
  level = 1,
): Row[] {
  return tree.flatMap((node, i) => {
    const isOpen = node.kind === "folder" && open.has(node.path);
    const row: Row = {
      node,
      level,
      position: i + 1,
      siblings: tree.length,
      isOpen,
    };
    return node.kind === "folder" && isOpen
      ? [row, ...visibleRows(node.children, open, level + 1)]
      : [row];
  });
}

const OPEN_AT_FIRST_MAX = 40;

/** The folders that are open before anybody has touched them: all of a small project, else none but src. */
export function foldersAtFirst(paths: readonly string[]): Set<string> {
  const all = new Set(paths.flatMap(parents));
  return paths.length <= OPEN_AT_FIRST_MAX
    ? all
    : new Set([...all].filter((dir) => ["src", "app"].includes(dir)));
}

export type TreeKey =
  "ArrowDown" | "ArrowUp" | "ArrowLeft" | "ArrowRight" | "Home" | "End";

export type TreeMove = { focus: string } | { open: string } | { close: string };

/** What a key does in a tree (ARIA authoring practices, tree view), standing on the row of `path`. */
export function treeMove(
  rows: readonly Row[],
  path: string,
  key: TreeKey,
): TreeMove | null {
  const at = rows.findIndex((row) => row.node.path === path);
  const row = rows[at];
  if (!row) {
    return rows[0] ? { focus: rows[0].node.path } : null;
  }
  const focus = (other: Row | undefined): TreeMove | null =>
    other ? { focus: other.node.path } : null;
  const isFolder = row.node.kind === "folder";
  switch (key) {
    case "ArrowDown":
      return focus(rows[at + 1]);
    case "ArrowUp":
      return focus(rows[at - 1]);
    case "Home":
      return focus(rows[0]);
    case "End":
      return focus(rows.at(-1));
    case "ArrowRight":
      if (!isFolder) {
        return null;
      }
      return row.isOpen ? focus(rows[at + 1]) : { open: path };
    case "ArrowLeft":
      return isFolder && row.isOpen
        ? { close: path }
        : focus(rows.slice(0, at).findLast((r) => r.level === row.level - 1));
  }
}

/** The next row below that begins with what was typed. */
export function typeAhead(
  rows: readonly Row[],
  path: string,
  typed: string,
): string | null {
  const at = rows.findIndex((row) => row.node.path === path);
  const from = typed.length > 1 ? at : at + 1;
  const order = [...rows.slice(from), ...rows.slice(0, from)];
  const found = order.find((row) =>
    row.node.name.toLowerCase().startsWith(typed.toLowerCase()),
  );
  return found?.node.path ?? null;
}
