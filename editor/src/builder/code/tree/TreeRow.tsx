import { ChevronRight, EllipsisVertical } from "lucide-react";
import type { DragEvent, MouseEvent } from "react";
import { t } from "../../../strings";
import css from "./tree.module.css";
import { FileIcon, FolderIcon } from "./fileIcon";
import type { Row } from "./tree";

export type RowBadge = "unsaved" | "writing" | "conflict";

const BADGE_TEXT: Record<RowBadge, string> = {
  unsaved: t.code.badgeUnsaved,
  writing: t.code.badgeWriting,
  conflict: t.code.badgeConflict,
};

export interface TreeRowProps {
  row: Row;
  badge: RowBadge | null;
  isActive: boolean;
  /** The one row that Tab goes to. */
  isCurrent: boolean;
  isDropTarget: boolean;
  onPick: () => void;
  onDragStart: (event: DragEvent) => void;
  onDragOver: (event: DragEvent) => void;
  onDrop: (event: DragEvent) => void;
}

/** The menu is the context menu: one for all rows. */
function openMenu(event: MouseEvent<HTMLButtonElement>): void {
  event.stopPropagation();
  const { left, bottom } = event.currentTarget.getBoundingClientRect();
  event.currentTarget.dispatchEvent(
    new MouseEvent("contextmenu", {
      bubbles: true,
      cancelable: true,
      clientX: left,
      clientY: bottom,
    }),
  );
}

export function TreeRow(props: TreeRowProps) {
  const { row, badge, isActive, isCurrent, isDropTarget } = props;
  const { node, level, isOpen } = row;
  const isFolder = node.kind === "folder";
  return (
    // The tree has the keys (ARIA's tree pattern), for all its rows.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      role="treeitem"
      aria-label={badge ? `${node.name}, ${BADGE_TEXT[badge]}` : node.name}
      aria-level={level}
      aria-posinset={row.position}
      aria-setsize={row.siblings}
      aria-expanded={isFolder ? isOpen : undefined}
      aria-selected={isActive}
      tabIndex={isCurrent ? 0 : -1}
      data-path={node.path}
      data-drop={isDropTarget || undefined}
      className={css.row}
      style={{
        paddingInlineStart: `${(level - 1) * 14 + 4}px`,
      }}
      title={node.path}
      draggable
      onClick={props.onPick}
      onDragStart={props.onDragStart}
      onDragOver={props.onDragOver}
      onDrop={props.onDrop}
    >
      <ChevronRight
        aria-hidden="true"
        className={css.chevron}
        data-open={isOpen || undefined}
        data-file={!isFolder || undefined}
      />
      {isFolder ? (
        <FolderIcon isOpen={isOpen} />
      ) : (
        <FileIcon path={node.path} />
      )}
      <span className={css.name}>{node.name}</span>
      {badge && (
        <span
          className={css.badge}
          data-badge={badge}
          title={BADGE_TEXT[badge]}
        />
      )}
      <button
        type="button"
        tabIndex={-1}
        className={css.more}
        aria-label={t.code.itemMenu(node.name)}
        onClick={openMenu}
      >
        <EllipsisVertical aria-hidden="true" />
      </button>
    </div>
  );
}
