import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { t } from "../../strings";
import { useStore } from "../context";
import { isUnsaved } from "./buffers/machine";
import css from "./code.module.css";
import { useCode } from "./CodeContext";
import { baseName, dirName } from "./files/paths";
import { FileIcon } from "./tree/fileIcon";

/** Names that stand twice get their folder beside them. */
function hintOf(path: string, open: readonly string[]): string {
  const name = baseName(path);
  const isTwice = open.some(
    (other) => other !== path && baseName(other) === name,
  );
  return isTwice ? baseName(dirName(path)) : "";
}

export function FileTabs() {
  const { session, open, close, writing } = useCode();
  const tabs = useStore(session);
  const buffers = useStore(session.buffers);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.querySelector("[data-active]")?.scrollIntoView({
      block: "nearest",
      inline: "nearest",
    });
  }, [tabs.active]);
  return (
    <nav aria-label={t.code.openFiles} className={css.tabs}>
      <ul ref={list}>
        {tabs.open.map((path) => {
          const buffer = buffers.get(path);
          const isActive = path === tabs.active;
          const hint = hintOf(path, tabs.open);
          const note =
            buffer?.state === "conflict"
              ? t.code.badgeConflict
              : buffer && isUnsaved(buffer.state)
                ? t.code.badgeUnsaved
                : writing.has(path)
                  ? t.code.badgeWriting
                  : "";
          return (
            <li
              key={path}
              className={css.tab}
              data-active={isActive || undefined}
              data-unsaved={(buffer && isUnsaved(buffer.state)) || undefined}
            >
              <button
                type="button"
                className={css.tabName}
                aria-current={isActive ? "true" : undefined}
                title={[path, note].filter(Boolean).join(" — ")}
                onClick={() => open(path)}
                onAuxClick={(event) => {
                  if (event.button === 1) {
                    event.preventDefault();
                    close(path);
                  }
                }}
                onKeyDown={(event) => {
                  if (event.key === "Delete") {
                    close(path);
                  }
                }}
              >
                <FileIcon path={path} />
                <span>{baseName(path)}</span>
                {hint && <small>{hint}</small>}
                {note && <span className="visually-hidden">, {note}</span>}
              </button>
              <button
                type="button"
                className={css.tabClose}
                aria-label={t.code.closeTab(baseName(path))}
                onClick={() => close(path)}
              >
                <X aria-hidden="true" />
              </button>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
