import "@xterm/xterm/css/xterm.css";

import { Accessibility, Copy, RotateCcw } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useProject } from "../../api/queries";
import { recall, remember } from "../../app/storage";
import { useIsDark } from "../../app/theme";
import { t } from "../../strings";
import { Confirm, IconButton, toast } from "../../ui";
import { errorText } from "../../api/errorText";
import { useBuilder, useStore } from "../context";
import { Value } from "../store";
import { Banner } from "./Banner";
import type { Shell } from "./connection";
import { Keys } from "./Keys";
import { linkOf } from "./links";
import { createScreen, type ScreenHandle } from "./screen";
import css from "./terminal.module.css";
import { terminalFont, terminalTheme } from "./theme";

const SCREEN_READER = "terminal.screenReader";
const isBoolean = (value: unknown): value is boolean =>
  typeof value === "boolean";

/** Until there is a terminal. */
const CONNECTING = new Value<Shell>({ state: "connecting" });

/** A shell in the project's sandbox. */
export default function TerminalPane() {
  const { projectId, tab, app } = useBuilder();
  const slug = useProject(projectId).data?.slug;
  const port = useStore(app).status?.port ?? null;
  const isDark = useIsDark();
  const [screenReader, setScreenReader] = useState(
    () => recall(SCREEN_READER, isBoolean) ?? false,
  );
  const [screen, setScreen] = useState<ScreenHandle | null>(null);
  const [isAsking, setAsking] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const tools = useRef<HTMLDivElement>(null);
  const shell = useStore(screen?.connection ?? CONNECTING);

  // What the terminal asks for later; it is made once.
  const latest = useRef({ slug, port, isDark, screenReader });
  useEffect(() => {
    latest.current = { slug, port, isDark, screenReader };
  });

  useEffect(() => {
    const element = place.current!;
    const made = createScreen(element, {
      projectId,
      font: terminalFont(element),
      theme: terminalTheme(latest.current.isDark, element),
      screenReader: latest.current.screenReader,
      linkOf: (printed) =>
        latest.current.slug
          ? linkOf(printed, latest.current.slug, latest.current.port)
          : null,
      onLeave: () =>
        tools.current?.querySelector<HTMLElement>("button:enabled")?.focus(),
    });
    const observer = new ResizeObserver(() => made.fit());
    observer.observe(element);
    const reconnect = () => {
      if (made.connection.getSnapshot().state === "reconnecting") {
        made.connection.open();
      }
    };
    window.addEventListener("online", reconnect);
    setScreen(made);
    return () => {
      observer.disconnect();
      window.removeEventListener("online", reconnect);
      made.destroy();
    };
  }, [projectId]);

  useEffect(() => {
    if (screen && place.current) {
      screen.setTheme(terminalTheme(isDark, place.current));
    }
  }, [screen, isDark]);

  const isShown = tab === "terminal";
  useEffect(() => {
    if (screen && isShown) {
      screen.fit();
      screen.terminal.focus();
    }
  }, [screen, isShown]);

  const copy = async () => {
    const text = screen?.selection();
    if (!text) {
      toast({ text: t.terminal.nothingSelected });
      return;
    }
    try {
      await navigator.clipboard.writeText(text);
      toast({ text: t.common.copied, tone: "good" });
    } catch {
      toast({ text: t.common.copyFailed, tone: "bad" });
    }
  };

  return (
    <div className={css.pane}>
      <div
        ref={tools}
        role="toolbar"
        aria-label={t.terminal.toolbar}
        className={css.bar}
      >
        <IconButton
          size="small"
          label={t.terminal.restart}
          icon={<RotateCcw aria-hidden="true" />}
          disabled={shell.state === "connecting"}
          onClick={() =>
            shell.state === "open"
              ? setAsking(true)
              : screen?.connection.restart()
          }
        />
        <IconButton
          size="small"
          label={t.terminal.copy}
          icon={<Copy aria-hidden="true" />}
          onClick={() => void copy()}
        />
        <IconButton
          size="small"
          label={t.terminal.screenReader}
          icon={<Accessibility aria-hidden="true" />}
          aria-pressed={screenReader}
          onClick={() => {
            setScreenReader(!screenReader);
            remember(SCREEN_READER, !screenReader);
            screen?.setScreenReader(!screenReader);
          }}
        />
        <p id="terminal-hint" className={css.hint}>
          {t.terminal.hint}
        </p>
      </div>
      <Banner shell={shell} screen={screen} />
      <div
        role="group"
        aria-label={t.terminal.label}
        aria-describedby="terminal-hint"
        className={css.screen}
      >
        <div ref={place} className={css.place} />
      </div>
      {screen && <Keys screen={screen} />}
      <Confirm
        open={isAsking}
        onClose={() => setAsking(false)}
        title={t.terminal.restartTitle}
        text={t.terminal.restartText}
        confirm={t.terminal.restart}
        danger
        errorText={errorText}
        onConfirm={() => {
          screen?.connection.restart();
          screen?.terminal.focus();
        }}
      />
    </div>
  );
}
