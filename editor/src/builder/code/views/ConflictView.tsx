import { t } from "../../../strings";
import { Button, Note } from "../../../ui";
import type { Buffer } from "../buffers/buffer";
import css from "../code.module.css";
import { useCode } from "../CodeContext";
import { DiffView } from "../monaco/DiffView";
import { MonacoDoc } from "../monaco/setup";

/** Edited here and changed on the server: both, side by side, and the choice. */
export default function ConflictView({ buffer }: { buffer: Buffer }) {
  const { session } = useCode();
  const doc = session.buffers.doc(buffer.path);
  if (!(doc instanceof MonacoDoc) || !buffer.theirs) {
    return null;
  }
  const { path } = buffer;
  return (
    <>
      <div className={css.banner}>
        <Note
          tone="warn"
          actions={
            <div className={css.buttons}>
              <Button
                size="small"
                tone="primary"
                onClick={() => void session.buffers.keepMine(path)}
              >
                {t.code.keepMine}
              </Button>
              <Button
                size="small"
                onClick={() => session.buffers.takeTheirs(path)}
              >
                {t.code.takeTheirs}
              </Button>
            </div>
          }
        >
          <strong>{t.code.conflictTitle}</strong> {t.code.conflictText}
        </Note>
      </div>
      <div className={css.sides} aria-hidden="true">
        <span>{t.code.theirs}</span>
        <span>{t.code.mine}</span>
      </div>
      <div className={css.editorBox}>
        <DiffView
          original={buffer.theirs.text}
          originalLabel={`${t.code.theirs}: ${path}`}
          model={doc.model}
          modelLabel={`${t.code.mine}: ${path}`}
        />
      </div>
    </>
  );
}
