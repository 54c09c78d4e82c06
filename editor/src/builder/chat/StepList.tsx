import {
  ChevronRight,
  CircleCheck,
  CircleMinus,
  CirclePause,
  CircleX,
} from "lucide-react";
import { memo, useMemo, type ReactNode } from "react";
import { t } from "../../strings";
import { Spinner } from "../../ui";
import type { TurnStep } from "../context";
import css from "./chat.module.css";
import { detailOf, standingOf, titleOf, type Standing } from "./stepText";
import { duration, elapsed, lastLines, plainText } from "./text";
import { useNow } from "./useNow";

const MAX_LINES = 200;

const ICONS: Record<Standing, ReactNode> = {
  now: <Spinner />,
  good: <CircleCheck aria-hidden="true" />,
  bad: <CircleX aria-hidden="true" />,
  skipped: <CircleMinus aria-hidden="true" />,
  broken: <CirclePause aria-hidden="true" />,
};

function Elapsed({ step, ticks }: { step: TurnStep; ticks: boolean }) {
  const now = useNow(ticks);
  const ms = step.last.duration_ms ?? null;
  if (ticks) {
    return <span className={css.elapsed}>{elapsed(now - step.startedAt)}</span>;
  }
  return ms === null ? null : (
    <span className={css.elapsed}>{duration(ms)}</span>
  );
}

function Printed({ step, open }: { step: TurnStep; open: boolean }) {
  const { output } = step;
  const { text, isCut } = useMemo(() => {
    const all = output.map((piece) => piece.text).join("");
    return lastLines(plainText(all).trimEnd(), MAX_LINES);
  }, [output]);
  if (!text.trim()) {
    return null;
  }
  return (
    <details className={css.printed} open={open}>
      <summary>
        <ChevronRight aria-hidden="true" />
        {t.chat.output}
      </summary>
      {isCut && <p className={css.soft}>{t.chat.logCut}</p>}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: the keyboard must get there */}
      <pre tabIndex={0}>{text.replace(/^\n+/, "")}</pre>
    </details>
  );
}

function Step({ step, isRunning }: { step: TurnStep; isRunning: boolean }) {
  const standing = standingOf(step, isRunning);
  const details = detailOf(step, standing);
  // A program's output is what was wanted of it.
  const opens =
    standing === "bad" || (step.name === "run" && standing === "good");
  return (
    <li className={css.step} data-standing={standing}>
      <div className={css.stepHead}>
        {ICONS[standing]}
        <span className={css.stepTitle}>{titleOf(step, standing)}</span>
        <Elapsed step={step} ticks={standing === "now"} />
      </div>
      {details.map((line, at) => (
        <p key={at} className={css.stepDetail}>
          {line}
        </p>
      ))}
      <Printed key={String(opens)} step={step} open={opens} />
    </li>
  );
}

/** What was done with the files: installed, started, checked, run. */
export const StepList = memo(function StepList({
  steps,
  isRunning,
}: {
  steps: TurnStep[];
  isRunning: boolean;
}) {
  return steps.length === 0 ? null : (
    <ol className={css.steps}>
      {steps.map((step) => (
        <Step key={step.name} step={step} isRunning={isRunning} />
      ))}
    </ol>
  );
});
