import {
  useEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
} from "react";
import { t } from "../../../strings";
import { toast } from "../../../ui";
import { useStore } from "../../context";
import type { Buffer } from "../buffers/buffer";
import { isUnsaved } from "../buffers/machine";
import { useCode } from "../CodeContext";
import { checkNewPath } from "../files/paths";
import { actionError } from "../useFileActions";
import {
  buildTree,
  treeMove,
  typeAhead,
  visibleRows,
  type TreeKey,
  type TreeNode,
} from "./tree";
import css from "./tree.module.css";
import { TreeMenu } from "./TreeMenu";
import { TreeRow, type RowBadge } from "./TreeRow";
import type { Folders } from "./useFolders";
import { useTreeDrag } from "./useTreeDrag";

const MOVES: readonly string[] = [
  "ArrowDown",
  "ArrowUp",
  "ArrowLeft",
  "ArrowRight",
  "Home",
  "End",
];

export interface FileTreeProps {
  paths: readonly string[];
  folders: Folders;
  onCreate: (dir: string) => void;
  onRename: (node: TreeNode) => void;
  onRemove: (node: TreeNode) => void;
  /** Without files it asks for some. */
  onUpload: (dir: string, files?: File[]) => void;
}

function badgeOf(
  path: string,
  writing: ReadonlySet<string>,
  buffer: Buffer | undefined,
): RowBadge | null {
  if (buffer?.state === "conflict") {
    return "conflict";
  }
  if (writing.has(path)) {
    return "writing";
  }
  return buffer && isUnsaved(buffer.state) ? "unsaved" : null;
}

/** The project's files (WAI-ARIA authoring practices, "Tree View"). */
export function FileTree(props: FileTreeProps) {
  const { paths, folders, onCreate, onRename, onRemove, onUpload } = props;
  const { session, open, writing, actions } = useCode();
  const { active } = useStore(session);
  const buffers = useStore(session.buffers);
  const [current, setCurrent] = useState<string | null>(null);
  const [followed, setFollowed] = useState(active);
  const [menuFor, setMenuFor] = useState<TreeNode | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const tree = useMemo(() => buildTree(paths), [paths]);
  const rows = useMemo(
    () => visibleRows(tree, folders.open),
    [tree, folders.open],
  );
  const standing =
    [current, active].find((path) =>
      rows.some((row) => row.node.path === path),
    ) ??
    rows[0]?.node.path ??
    null;

  const elementOf = (path: string | null) =>
    box.current?.querySelector<HTMLElement>(
      `[data-path="${CSS.escape(path ?? "")}"]`,
    );
  const rowOf = (target: EventTarget) =>
    rows.find(
      (row) =>
        row.node.path ===
        (target as Element).closest<HTMLElement>("[data-path]")?.dataset.path,
    );

  // The file that is shown is seen in the tree, too.
  if (active !== followed) {
    setFollowed(active);
    setCurrent(active);
  }
  useEffect(() => {
    box.current
      ?.querySelector('[aria-selected="true"]')
      ?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const pick = (node: TreeNode) => {
    setCurrent(node.path);
    if (node.kind === "folder") {
      folders.set(node.path, !folders.open.has(node.path));
    } else {
      open(node.path);
    }
  };
  const focus = (path: string) => {
    setCurrent(path);
    elementOf(path)?.focus();
  };
  const move = (path: string, key: TreeKey) => {
    const step = treeMove(rows, path, key);
    if (step && "focus" in step) {
      focus(step.focus);
    } else if (step) {
      folders.set("open" in step ? step.open : step.close, "open" in step);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rowOf(event.target);
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    if (!row || hasModifier) {
      return;
    }
    if (MOVES.includes(event.key)) {
      move(row.node.path, event.key as TreeKey);
    } else if (event.key === "Enter" || event.key === " ") {
      pick(row.node);
    } else if (event.key === "F2") {
      onRename(row.node);
    } else if (event.key === "Delete") {
      onRemove(row.node);
    } else if (event.key.length === 1) {
      const found = typeAhead(rows, row.node.path, event.key);
      if (found) {
        focus(found);
      }
    } else {
      return;
    }
    event.preventDefault();
  };

  const drag = useTreeDrag(
    (from, to) => {
      const problem = checkNewPath(to, paths);
      if (problem) {
        toast({ text: problem, tone: "bad" });
        return;
      }
      actions.move(from, to).catch((error: unknown) =>
        toast({
          text: actionError(error),
          tone: "bad",
        }),
      );
    },
    (files, dir) => onUpload(dir, files),
  );

  return (
    <TreeMenu
      target={menuFor}
      {...{ onCreate, onRename, onRemove }}
      onUpload={(dir) => onUpload(dir)}
    >
      <div
        ref={box}
        role="tree"
        aria-label={t.code.tree}
        tabIndex={rows.length === 0 ? 0 : -1}
        className={css.tree}
        onKeyDown={onKeyDown}
        onContextMenu={(event) => {
          const row = rowOf(event.target);
          setMenuFor(row?.node ?? null);
          setCurrent(row?.node.path ?? current);
        }}
        onDragOver={(event) => drag.over(event, null)}
        onDrop={(event) => drag.drop(event, null)}
        onDragLeave={drag.end}
        onDragEnd={drag.end}
      >
        {rows.map((row) => (
          <TreeRow
            key={row.node.path}
            row={row}
            badge={badgeOf(row.node.path, writing, buffers.get(row.node.path))}
            isActive={row.node.path === active}
            isCurrent={row.node.path === standing}
            isDropTarget={
              row.node.kind === "folder" && drag.target === row.node.path
            }
            onPick={() => pick(row.node)}
            onDragStart={(event) => drag.start(event, row.node)}
            onDragOver={(event) => drag.over(event, row.node)}
            onDrop={(event) => drag.drop(event, row.node)}
          />
        ))}
      </div>
    </TreeMenu>
  );
}
