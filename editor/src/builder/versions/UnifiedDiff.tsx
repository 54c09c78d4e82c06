import { ChevronDown, ChevronRight, FileCode2 } from "lucide-react";
import { Fragment, useId, useMemo, useState } from "react";
import type { FileDiff } from "../../api/types";
import { t } from "../../strings";
import { Button, IconButton } from "../../ui";
import css from "./diff.module.css";
import { firstLines, lineCount, parseUnified, type Hunk } from "./unified";

/** More than this is closed at first. */
const BIG_LINES = 400;
/** More than this is shown in pieces. */
const PAGE_LINES = 2000;

const SIGNS = { same: " ", added: "+", removed: "-", note: " " };

function Hunks({ hunks, path }: { hunks: Hunk[]; path: string }) {
  return (
    <table className={css.lines} aria-label={t.versions.changesOf(path)}>
      <tbody>
        {hunks.map((hunk, i) => (
          <Fragment key={i}>
            <tr className={css.hunk}>
              <td colSpan={3}>
                {t.versions.fromLine(hunk.newStart || hunk.oldStart)}
                {hunk.context && ` · ${hunk.context}`}
              </td>
            </tr>
            {hunk.lines.map((line, j) => (
              <tr key={j} data-kind={line.kind}>
                <td className={css.number}>{line.old}</td>
                <td className={css.number}>{line.new}</td>
                <td className={css.code}>
                  <span className={css.sign}>{SIGNS[line.kind]}</span>
                  {line.text}
                </td>
              </tr>
            ))}
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

/** Why there are no lines to show; null: there are. */
function reason(file: FileDiff): string | null {
  if (file.binary) {
    return t.versions.binary;
  }
  if (file.diff === null) {
    return t.versions.tooLarge;
  }
  if (file.diff === "") {
    return file.status === "modified"
      ? t.versions.onlyMode
      : t.versions.emptyFile;
  }
  return null;
}

export interface UnifiedDiffProps {
  file: FileDiff;
  /** Given, there is a button that opens the file. */
  onOpen?: (path: string) => void;
}

/** The changes of one file; its head opens and closes it. */
export function UnifiedDiff({ file, onOpen }: UnifiedDiffProps) {
  const id = useId();
  const hunks = useMemo(() => parseUnified(file.diff ?? ""), [file.diff]);
  const total = lineCount(hunks);
  const [isOpen, setOpen] = useState(total <= BIG_LINES);
  const [shown, setShown] = useState(PAGE_LINES);
  const why = reason(file);
  const Chevron = isOpen ? ChevronDown : ChevronRight;
  return (
    <section className={css.file} aria-labelledby={`${id}-name`}>
      <div className={css.head}>
        <h3>
          <button
            type="button"
            id={`${id}-name`}
            className={css.toggle}
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          >
            <Chevron aria-hidden="true" />
            <span className={css.path}>{file.path}</span>
            <span className={css.status} data-status={file.status}>
              {t.versions.statuses[file.status]}
            </span>
            {file.additions !== null && file.deletions !== null && (
              <Counts additions={file.additions} deletions={file.deletions} />
            )}
          </button>
        </h3>
        {onOpen && (
          <IconButton
            size="small"
            label={t.versions.openFile(file.path)}
            icon={<FileCode2 aria-hidden="true" />}
            onClick={() => onOpen(file.path)}
          />
        )}
      </div>
      {isOpen &&
        (why ? (
          <p className={css.why}>{why}</p>
        ) : (
          <>
            <div className={css.scroll}>
              <Hunks hunks={firstLines(hunks, shown)} path={file.path} />
            </div>
            {total > shown && (
              <Button
                tone="ghost"
                className={css.more}
                onClick={() => setShown(shown + PAGE_LINES)}
              >
                {t.versions.moreLines(total - shown)}
              </Button>
            )}
          </>
        ))}
    </section>
  );
}

export function Counts({
  additions,
  deletions,
}: {
  additions: number;
  deletions: number;
}) {
  return (
    <span className={css.counts}>
      <span className="visually-hidden">
        {t.versions.counts(additions, deletions)}
      </span>
      <span aria-hidden="true" className={css.additions}>
        +{additions}
      </span>
      <span aria-hidden="true" className={css.deletions}>
        −{deletions}
      </span>
    </span>
  );
}
