import { Eraser } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { t } from "../../strings";
import { IconButton, Spinner } from "../../ui";
import css from "./Script.module.css";
import { outcome } from "./outcome";
import type { RunState } from "./run";

const NEAR_END_PX = 40;
const TICK_MS = 100;

function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const s = Math.max(0, now - since) / 1000;
  return t.script.running(t.time.s(s.toFixed(1)));
}

function Ending({ state }: { state: RunState }) {
  const ending = outcome(state);
  if (state.phase === "starting" || state.phase === "running") {
    return (
      <div className={css.ending}>
        <Spinner />
        {state.startedAt === null ? (
          t.script.starting
        ) : (
          <Elapsed since={state.startedAt} />
        )}
      </div>
    );
  }
  return (
    <div className={css.ending} role="status" data-tone={ending?.tone}>
      {ending?.text}
    </div>
  );
}

function Printed({ state }: { state: RunState }) {
  if (state.phase === "idle") {
    return <p className={css.nothing}>{t.script.empty}</p>;
  }
  if (state.phase === "ended" && state.segments.length === 0) {
    return <p className={css.nothing}>{t.script.nothing}</p>;
  }
  return (
    <pre className={css.printed}>
      {state.segments.map(({ stream, text }, i) => (
        <span key={i} data-stream={stream}>
          {text}
        </span>
      ))}
    </pre>
  );
}

export function Output({
  state,
  onClear,
}: {
  state: RunState;
  onClear: () => void;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  useLayoutEffect(() => {
    const element = scroller.current!;
    if (follows.current) {
      element.scrollTop = element.scrollHeight;
    }
  }, [state.segments]);
  const isBusy = state.phase === "starting" || state.phase === "running";
  return (
    <section className={css.pane} aria-labelledby="output">
      <div className={css.paneHead}>
        <h2 id="output">{t.script.output}</h2>
        <IconButton
          label={t.script.clear}
          icon={<Eraser />}
          size="small"
          disabled={isBusy || state.phase === "idle"}
          onClick={onClear}
        />
      </div>
      <div
        ref={scroller}
        className={css.scroller}
        role="region"
        aria-label={t.script.output}
        // It scrolls: the keyboard has to reach it.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onScroll={({ currentTarget: e }) => {
          follows.current =
            e.scrollHeight - e.scrollTop - e.clientHeight < NEAR_END_PX;
        }}
      >
        <Printed state={state} />
      </div>
      <Ending state={state} />
    </section>
  );
}
