import {
  AppWindow,
  Check,
  Circle,
  Moon,
  Play,
  RotateCw,
  ScrollText,
  WandSparkles,
} from "lucide-react";
import { useEffect, useState, type ReactNode } from "react";
import { errorText } from "../../api/errorText";
import type { AppStatus } from "../../api/types";
import { t } from "../../strings";
import { Busy, Button, Empty, Note, Spinner, toast } from "../../ui";
import { useBuilder, useSelected, useStore, type Turn } from "../context";
import css from "./preview.module.css";

const LAST_LINES = 8;
const STEPS = ["prepare", "install", "start"] as const;

const STEP_OF: Partial<Record<AppStatus["state"], (typeof STEPS)[number]>> = {
  waiting: "prepare",
  preparing: "prepare",
  installing: "install",
  starting: "start",
};

/** Milliseconds since `forMs` before it was first shown. */
function useElapsed(forMs: number): number {
  const [elapsed, setElapsed] = useState(forMs);
  useEffect(() => {
    const began = Date.now() - forMs;
    const timer = setInterval(() => setElapsed(Date.now() - began), 1000);
    return () => clearInterval(timer);
    // It goes on by itself from where it began.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  return elapsed;
}

function LastLines() {
  const { app } = useBuilder();
  const lines = useStore(app)
    .lines.filter((line) => !line.state)
    .slice(-LAST_LINES);
  return lines.length === 0 ? null : (
    <pre className={css.lastLines} aria-label={t.preview.lastLines}>
      {lines.map((line) => line.text).join("\n")}
    </pre>
  );
}

/** A button that asks something of the app, and says when that did not work. */
function Do({
  tone,
  icon,
  run,
  children,
}: {
  tone?: "primary";
  icon: ReactNode;
  run: () => Promise<void>;
  children: ReactNode;
}) {
  const [busy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    try {
      await run();
    } catch (error) {
      toast({ text: errorText(error), tone: "bad" });
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button tone={tone} busy={busy} onClick={() => void act()}>
      {!busy && icon}
      {children}
    </Button>
  );
}

function LogsButton() {
  const { show } = useBuilder();
  return (
    <Button tone="ghost" onClick={() => show("logs")}>
      <ScrollText aria-hidden="true" />
      {t.preview.openLogs}
    </Button>
  );
}

/** The first time: the model writes and there is nothing to start yet. */
function Writing({ turn }: { turn: Turn }) {
  const files = turn.files.slice(-LAST_LINES);
  return (
    <div className={css.startUp}>
      <h2>{t.preview.writing}</h2>
      <p>{t.preview.writingText}</p>
      <Spinner />
      {files.length > 0 && (
        <ul className={css.writtenFiles}>
          {files.map((file) => (
            <li key={file.path}>
              {file.state === "writing" ? (
                <Circle role="img" aria-label={t.preview.beingWritten} />
              ) : (
                <Check role="img" aria-label={t.preview.written} />
              )}
              <code>{file.path}</code>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Coming({ status }: { status: AppStatus }) {
  const elapsed = useElapsed(status.for_ms ?? 0);
  const now = STEPS.indexOf(STEP_OF[status.state] ?? "prepare");
  return (
    <div className={css.startUp}>
      <h2>{t.preview.coming}</h2>
      <ol className={css.steps}>
        {STEPS.map((step, i) => (
          <li
            key={step}
            aria-current={i === now ? "step" : undefined}
            data-state={i < now ? "done" : i === now ? "now" : "later"}
          >
            {i < now ? (
              <Check role="img" aria-label={t.preview.stepDone} />
            ) : i === now ? (
              <Spinner />
            ) : (
              <Circle aria-hidden="true" />
            )}
            {t.preview.steps[step]}
          </li>
        ))}
      </ol>
      <p role="status">{status.detail}</p>
      <p className={css.elapsed}>
        {t.preview.elapsed(Math.floor(elapsed / 1000))}
      </p>
      <LastLines />
    </div>
  );
}

/** What the sandbox says begins small. */
const asSentence = (text: string): string =>
  text.charAt(0).toUpperCase() + text.slice(1);

function Broken({ status }: { status: AppStatus }) {
  const { app, conversation } = useBuilder();
  const isTurnRunning = useSelected(conversation, (s) => s.running !== null);
  const error = asSentence(status.error ?? status.detail);
  return (
    <div className={css.startUp}>
      <h2>
        {status.state === "failed"
          ? t.preview.failedTitle
          : t.preview.crashedTitle}
      </h2>
      <Note tone="bad">{error || t.preview.noReason}</Note>
      <LastLines />
      <div className={css.actions}>
        {status.state === "crashed" && (
          <Button
            tone="primary"
            disabled={isTurnRunning}
            onClick={() =>
              conversation.ask({
                mode: "fix",
                prompt: t.preview.fixCrash(error),
              })
            }
          >
            <WandSparkles aria-hidden="true" />
            {t.preview.fix}
          </Button>
        )}
        <Do icon={<RotateCw aria-hidden="true" />} run={app.restart}>
          {status.state === "failed" ? t.common.retry : t.preview.restart}
        </Do>
        <LogsButton />
      </div>
    </div>
  );
}

function Ended() {
  const { app } = useBuilder();
  return (
    <div className={css.startUp}>
      <h2>{t.preview.exitedTitle}</h2>
      <p>{t.preview.exitedText}</p>
      <LastLines />
      <div className={css.actions}>
        <Do icon={<Play aria-hidden="true" />} run={app.restart}>
          {t.preview.runAgain}
        </Do>
        <LogsButton />
      </div>
    </div>
  );
}

/** What is to be seen where the app will be, while it is not there. */
export function StartUp({ status }: { status: AppStatus | null }) {
  const { app, conversation } = useBuilder();
  const turn = useStore(conversation).running;
  if (!status) {
    return <Busy />;
  }
  const isIdle = status.state === "stopped" || status.version === 0;
  if (isIdle && turn && turn.mode !== "explain") {
    return <Writing turn={turn} />;
  }
  if (status.version === 0) {
    return (
      <Empty icon={<AppWindow aria-hidden="true" />} title={t.preview.empty}>
        {t.preview.emptyText}
      </Empty>
    );
  }
  switch (status.state) {
    case "stopped":
      return (
        <Empty
          icon={<Moon aria-hidden="true" />}
          title={status.stopped_by_owner ? t.preview.stopped : t.preview.asleep}
          action={
            <Do
              tone="primary"
              icon={<Play aria-hidden="true" />}
              run={app.start}
            >
              {t.preview.start}
            </Do>
          }
        >
          {status.stopped_by_owner
            ? t.preview.stoppedText
            : t.preview.asleepText}
        </Empty>
      );
    case "crashed":
    case "failed":
      return <Broken status={status} />;
    case "exited":
      return <Ended />;
    default:
      return <Coming key={status.state + status.phase} status={status} />;
  }
}
