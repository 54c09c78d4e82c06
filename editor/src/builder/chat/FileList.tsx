import { Ban, Check, ChevronDown, Trash } from "lucide-react";
import { memo, useState } from "react";
import { t } from "../../strings";
import { Spinner } from "../../ui";
import { useBuilder, type TurnFile } from "../context";
import css from "./chat.module.css";
import { lastLines } from "./text";

const FEW = 8;
const TAIL_LINES = 9;
const TAIL_CHARACTERS = 4000;

const ICONS = {
  writing: <Spinner />,
  written: <Check aria-hidden="true" />,
  deleted: <Trash aria-hidden="true" />,
  refused: <Ban aria-hidden="true" />,
};

function Counts({ file }: { file: TurnFile }) {
  const { additions, deletions } = file;
  if (additions === null) {
    return null;
  }
  return (
    <span
      className={css.counts}
      title={t.chat.counts(additions, deletions ?? 0)}
    >
      <ins>+{additions}</ins>{" "}
      {deletions !== null && deletions > 0 && <del>−{deletions}</del>}
    </span>
  );
}

function FileRow({ file }: { file: TurnFile }) {
  const { openFile } = useBuilder();
  const canOpen = file.state === "writing" || file.state === "written";
  return (
    <li className={css.file} data-state={file.state}>
      <span className={css.fileState} title={t.chat.file[file.state]}>
        {ICONS[file.state]}
        <span className="visually-hidden">{t.chat.file[file.state]}</span>
      </span>
      {canOpen ? (
        <button
          type="button"
          className={css.fileName}
          title={t.chat.openFile(file.path)}
          onClick={() => openFile(file.path)}
        >
          <bdi>{file.path}</bdi>
        </button>
      ) : (
        <span className={css.fileName} title={file.path}>
          <bdi>{file.path}</bdi>
        </span>
      )}
      <Counts file={file} />
      {file.reason && <span className={css.fileReason}>{file.reason}</span>}
    </li>
  );
}

/** The end of what is being written, as it grows. */
function Growing({ file }: { file: TurnFile }) {
  const tail = (file.text ?? "").slice(-TAIL_CHARACTERS);
  return (
    <pre className={css.growing} aria-label={t.chat.writingNow(file.path)}>
      {lastLines(tail, TAIL_LINES).text}
    </pre>
  );
}

/** The files of a turn, as they are written. */
export const FileList = memo(function FileList({
  files,
  isRunning,
}: {
  files: TurnFile[];
  isRunning: boolean;
}) {
  const [showsAll, setShowsAll] = useState(false);
  const [showsText, setShowsText] = useState(true);
  if (files.length === 0) {
    return null;
  }
  const isLong = files.length > FEW + 2;
  // While they are written the newest matter, afterwards the first.
  const few = isRunning ? files.slice(-FEW) : files.slice(0, FEW);
  const shown = isLong && !showsAll ? few : files;
  const writing = isRunning
    ? files.findLast((file) => file.state === "writing")
    : undefined;
  return (
    <div className={css.files}>
      <div className={css.filesHead}>
        <h3>{t.common.files(files.length)}</h3>
        {isLong && (
          <button
            type="button"
            className={css.quiet}
            onClick={() => setShowsAll(!showsAll)}
          >
            {showsAll ? t.chat.fewerFiles : t.chat.moreFiles(files.length)}
          </button>
        )}
      </div>
      <ul aria-label={t.chat.filesTitle}>
        {shown.map((file) => (
          <FileRow key={file.path} file={file} />
        ))}
      </ul>
      {writing && (
        <div>
          <button
            type="button"
            className={css.disclosure}
            aria-expanded={showsText}
            onClick={() => setShowsText(!showsText)}
          >
            <ChevronDown aria-hidden="true" />
            <span>{t.chat.writingNow(writing.path)}</span>
          </button>
          {showsText && <Growing file={writing} />}
        </div>
      )}
    </div>
  );
});
