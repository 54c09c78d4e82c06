import { errorText } from "../../../api/errorText";
import { t } from "../../../strings";
import { Button, Note } from "../../../ui";
import type { Buffer } from "../buffers/buffer";
import { isGone, isUnsaved } from "../buffers/machine";
import css from "../code.module.css";
import { useCode } from "../CodeContext";

const sameDay = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const otherDay = new Intl.DateTimeFormat(undefined, {
  dateStyle: "medium",
  timeStyle: "short",
});

function timeOf(ms: number): string {
  const isToday = new Date(ms).toDateString() === new Date().toDateString();
  return (isToday ? sameDay : otherDay).format(ms);
}

/** What there is to know, and to do, about an open text file. */
export function Banners({ buffer }: { buffer: Buffer }) {
  const { session, writing, save, close } = useCode();
  const { path, state, error } = buffer;
  const { buffers } = session;
  return (
    <>
      {state === "offered" && buffer.draftAt !== null && (
        <div className={css.banner}>
          <Note
            tone="warn"
            actions={
              <div className={css.buttons}>
                <Button
                  size="small"
                  tone="primary"
                  onClick={() => buffers.restoreDraft(path)}
                >
                  {t.code.restore}
                </Button>
                <Button size="small" onClick={() => buffers.discardDraft(path)}>
                  {t.code.discard}
                </Button>
              </div>
            }
          >
            {t.code.offered(timeOf(buffer.draftAt))}
          </Note>
        </div>
      )}
      {isGone(state) && (
        <div className={css.banner}>
          <Note
            tone="warn"
            actions={
              <div className={css.buttons}>
                <Button size="small" onClick={() => save([path])}>
                  {t.code.saveAgain}
                </Button>
                <Button size="small" onClick={() => close(path)}>
                  {t.code.goneClose}
                </Button>
              </div>
            }
          >
            {t.code.gone}
          </Note>
        </div>
      )}
      {state === "unsent" && (
        <div className={css.banner} role="status">
          <Note
            tone="warn"
            actions={
              <Button size="small" onClick={() => buffers.retryNow()}>
                {t.code.saveNow}
              </Button>
            }
          >
            {t.code.unsent}
          </Note>
        </div>
      )}
      {error !== null && (state === "dirty" || isGone(state)) && (
        <div className={css.banner}>
          <Note tone="bad">
            {t.code.saveFailed} {errorText(error)}
          </Note>
        </div>
      )}
      {buffer.isUnkept && isUnsaved(state) && (
        <div className={css.banner}>
          <Note tone="warn">{t.code.unkept}</Note>
        </div>
      )}
      {writing.has(path) && isUnsaved(state) && (
        <div className={css.banner} role="status">
          <Note tone="warn">{t.code.writingDirty}</Note>
        </div>
      )}
    </>
  );
}
