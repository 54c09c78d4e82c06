import { History, Play, RotateCcw, Wrench } from "lucide-react";
import { memo } from "react";
import { errorText } from "../../api/errorText";
import { Problem } from "../../api/http";
import { t } from "../../strings";
import { Button, CopyButton, Note, Spinner, When } from "../../ui";
import { useBuilder, useSelected, type Turn } from "../context";
import { isRunning } from "../conversation/progress";
import css from "./chat.module.css";
import { FileList } from "./FileList";
import { Markdown } from "./Markdown";
import { StepList } from "./StepList";
import { failedStep, titleOf } from "./stepText";
import { elapsed } from "./text";
import { useNow } from "./useNow";

function Prompt({ turn }: { turn: Turn }) {
  const text = turn.prompt || t.chat.fixPrompt;
  return (
    <div className={css.prompt}>
      <h2 className="visually-hidden">{t.chat.you}</h2>
      <div className={css.bubble}>
        <p>{text}</p>
      </div>
      <div className={css.promptFoot}>
        {turn.mode === "explain" && <span>{t.chat.modeAsk}</span>}
        <When time={new Date(turn.startedAt).toISOString()} />
        <CopyButton text={text} label={t.chat.copyPrompt} />
      </div>
    </div>
  );
}

function Waiting({ turn }: { turn: Turn }) {
  const now = useNow(true);
  const isQuiet = !turn.reply && turn.files.length === 0;
  if (turn.reconnecting) {
    return (
      <p className={css.waiting} role="status">
        <Spinner />
        {t.chat.reconnecting}
      </p>
    );
  }
  return isQuiet ? (
    <p className={css.waiting}>
      <Spinner />
      {turn.state === "sending" ? t.chat.sending : t.chat.thinking}
      <span className={css.elapsed}>{elapsed(now - turn.startedAt)}</span>
    </p>
  ) : null;
}

function Again({ turn, onAgain }: Pick<TurnViewProps, "turn" | "onAgain">) {
  const { conversation } = useBuilder();
  const isBusy = useSelected(conversation, (s) => s.running !== null);
  return (
    <Button
      size="small"
      disabled={isBusy && turn.mode !== "build"}
      onClick={() => onAgain(turn)}
    >
      <RotateCcw aria-hidden="true" />
      {t.chat.again}
    </Button>
  );
}

/** Ways a turn ends without what was asked for. */
function Ending({ turn, onAgain }: Pick<TurnViewProps, "turn" | "onAgain">) {
  const kept = turn.version !== null;
  const again = <Again turn={turn} onAgain={onAgain} />;
  const why = turn.error && errorText(new Problem({ ...turn.error }));
  switch (turn.state) {
    case "cancelled":
      return (
        <Note actions={again}>
          {kept ? t.chat.cancelledAfter : t.chat.cancelled}
        </Note>
      );
    case "interrupted":
      return (
        <Note tone="warn" actions={again}>
          {t.chat.interrupted}
        </Note>
      );
    case "failed":
      return (
        <Note tone="bad" actions={again}>
          {kept ? t.chat.failedAfter : t.chat.failed}
          {why && <p>{why}</p>}
        </Note>
      );
    default:
      return why ? (
        <Note tone="warn">
          {kept ? t.chat.failedAfter : null}
          <p>{why}</p>
        </Note>
      ) : null;
  }
}

function Overwrote({ turn }: { turn: Turn }) {
  const { show } = useBuilder();
  if (turn.overwrote.length === 0 || turn.parent === null) {
    return null;
  }
  return (
    <Note
      tone="warn"
      actions={
        <Button size="small" onClick={() => show("versions")}>
          {t.chat.seeVersions}
        </Button>
      }
    >
      {t.chat.overwrote(turn.overwrote.join(", "), turn.parent)}
    </Note>
  );
}

/** What came of it, and where to go from here. */
function Result({ turn, isLast }: { turn: Turn; isLast: boolean }) {
  const { show, conversation } = useBuilder();
  const failed = failedStep(turn);
  return (
    <>
      {failed && isLast && (
        <Note
          tone="bad"
          actions={
            <Button
              size="small"
              tone="primary"
              onClick={() =>
                conversation.ask({
                  prompt: "",
                  mode: "fix",
                })
              }
            >
              <Wrench aria-hidden="true" />
              {t.chat.fix}
            </Button>
          }
        >
          {t.chat.failedAfter} {titleOf(failed, "bad")}.
        </Note>
      )}
      <div className={css.result}>
        {turn.preview && (
          <Button size="small" onClick={() => show("preview")}>
            <Play aria-hidden="true" />
            {t.chat.openPreview}
          </Button>
        )}
        {turn.version !== null && (
          <Button size="small" tone="ghost" onClick={() => show("versions")}>
            <History aria-hidden="true" />
            {t.common.version(turn.version)}
          </Button>
        )}
        {turn.reply && (
          <CopyButton text={turn.reply} label={t.chat.copyReply} />
        )}
      </div>
    </>
  );
}

export interface TurnViewProps {
  turn: Turn;
  isLast: boolean;
  onAgain: (turn: Turn) => void;
}

/** One prompt and what came of it. Rendered again only when the turn itself has changed. */
export const TurnView = memo(function TurnView(props: TurnViewProps) {
  const { turn, isLast, onAgain } = props;
  const runs = isRunning(turn);
  return (
    <article className={css.turn} aria-busy={runs}>
      <Prompt turn={turn} />
      <div className={css.answer}>
        <h2 className="visually-hidden">{t.common.appName}</h2>
        {turn.reply && <Markdown text={turn.reply} />}
        <FileList files={turn.files} isRunning={runs} />
        <StepList steps={turn.steps} isRunning={runs} />
        {runs && <Waiting turn={turn} />}
        <Overwrote turn={turn} />
        <Ending turn={turn} onAgain={onAgain} />
        {!runs && <Result turn={turn} isLast={isLast} />}
      </div>
    </article>
  );
});
