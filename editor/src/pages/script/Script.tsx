import { Play, Square } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { Shell } from "../../app/Shell";
import { isOwnText, putExample } from "../../app/putExample";
import { isString, recall, remember } from "../../app/storage";
import { useOwnKey } from "../../app/useOwnKey";
import { t } from "../../strings";
import { Button, Menu, MenuItem, Select, TextArea } from "../../ui";
import { CodeField } from "./CodeField";
import { EXAMPLES, type Example } from "./examples";
import { Output } from "./Output";
import { ScriptRun } from "./run";
import css from "./Script.module.css";

const TIMEOUT = "scratch.timeoutS";
const TIMEOUTS_S = [1, 2, 5, 10];
const CODES = EXAMPLES.map(({ code }) => code);
const INPUTS = EXAMPLES.map(({ stdin }) => stdin ?? "");
const isTimeout = (value: unknown): value is number =>
  TIMEOUTS_S.includes(value as number);

/** A value that outlives the page. */
function useKept<T>(key: string, isValid: (v: unknown) => v is T, initial: T) {
  const [value, setValue] = useState(() => recall(key, isValid) ?? initial);
  const change = (next: T) => {
    setValue(next);
    remember(key, next);
  };
  return [value, change] as const;
}

function Examples({ onChoose }: { onChoose: (example: Example) => void }) {
  return (
    <Menu
      align="start"
      trigger={
        <Button tone="ghost" size="small">
          {t.script.examples}
        </Button>
      }
    >
      {EXAMPLES.map((example) => (
        <MenuItem key={example.id} onSelect={() => onChoose(example)}>
          {t.script.exampleNames[example.id]}
        </MenuItem>
      ))}
    </Menu>
  );
}

function TimeLimit({
  seconds,
  onChange,
}: {
  seconds: number;
  onChange: (seconds: number) => void;
}) {
  return (
    <label className={css.timeout}>
      <span>{t.script.timeout}</span>
      <Select
        label={t.script.timeout}
        hideLabel
        value={seconds}
        onChange={(event) => onChange(Number(event.target.value))}
      >
        {TIMEOUTS_S.map((s) => (
          <option key={s} value={s}>
            {t.script.seconds(s)}
          </option>
        ))}
      </Select>
    </label>
  );
}

export default function Script() {
  const [code, setCode] = useKept(
    useOwnKey("scratch.code"),
    isString,
    EXAMPLES[0]!.code,
  );
  const [stdin, setStdin] = useKept(useOwnKey("scratch.stdin"), isString, "");
  const [hasInput, setHasInput] = useState(stdin !== "");
  const [timeoutS, setTimeoutS] = useKept(TIMEOUT, isTimeout, 10);
  const [run] = useState(() => new ScriptRun());
  const state = useSyncExternalStore(run.subscribe, run.getSnapshot);
  useEffect(() => () => run.stop(), [run]);

  const isBusy = state.phase === "starting" || state.phase === "running";
  const put = (program: Pick<Example, "code" | "stdin">) => {
    setCode(program.code);
    setStdin(program.stdin ?? "");
    setHasInput(Boolean(program.stdin));
  };
  const start = () => {
    if (code !== "") {
      void run.start({
        code,
        stdin,
        timeoutMs: timeoutS * 1000,
      });
    }
  };

  return (
    <Shell title={t.script.title} fills>
      <div className={css.page}>
        <div className={css.head}>
          <div className={css.words}>
            <h1>{t.script.title}</h1>
            <p>{t.script.text}</p>
          </div>
          <TimeLimit seconds={timeoutS} onChange={setTimeoutS} />
          {isBusy ? (
            <Button tone="danger" onClick={() => run.stop()}>
              <Square aria-hidden="true" />
              {t.script.stop}
            </Button>
          ) : (
            <Button
              tone="primary"
              title={t.script.shortcut}
              disabled={code === ""}
              onClick={start}
            >
              <Play aria-hidden="true" />
              {t.script.run}
            </Button>
          )}
        </div>
        <div className={css.panes}>
          <section className={css.pane} aria-labelledby="code">
            <div className={css.paneHead}>
              <h2 id="code">{t.script.code}</h2>
              <Examples
                onChoose={(example) =>
                  putExample({
                    example,
                    before: { code, stdin },
                    isOwn: isOwnText(code, CODES) || isOwnText(stdin, INPUTS),
                    set: put,
                  })
                }
              />
            </div>
            <div className={css.code}>
              <CodeField value={code} onChange={setCode} onRun={start} />
            </div>
            <details
              className={css.stdin}
              open={hasInput}
              onToggle={(event) => setHasInput(event.currentTarget.open)}
            >
              <summary>{t.script.stdin}</summary>
              <TextArea
                label={t.script.stdin}
                hideLabel
                placeholder={t.script.stdinHint}
                rows={3}
                spellCheck={false}
                value={stdin}
                onChange={(event) => setStdin(event.target.value)}
              />
            </details>
          </section>
          <Output state={state} onClear={() => run.clear()} />
        </div>
      </div>
    </Shell>
  );
}
