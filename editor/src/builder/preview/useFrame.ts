import { useCallback, useEffect, useRef, useState } from "react";
import { sendJson } from "../../api/http";
import type { Ticket } from "../../api/types";
import { t } from "../../strings";
import { useBuilder } from "../context";
import { readSaid } from "./messages";
import { recallPath, rememberPath } from "./pathMemory";

/** The preview's cookie holds for 12 hours; a page that is loaded later gets another. */
const GRANT_MS = 11 * 3600 * 1000;
/** An inspector speaks before its page has loaded; its words may come a little later. */
const SILENT_MS = 800;
const DEAF_MS = 4000;

export interface Frame {
  /** To be given to the iframe. */
  attach: (frame: HTMLIFrameElement | null) => void;
  /** The page to show; `n` counts the times the app was entered anew. */
  entry: { url: string; n: number } | null;
  path: string;
  isLoading: boolean;
  /** When the page that is shown began to load; Unix ms. */
  since: number;
  /** Why the app could not be entered. */
  error: unknown;
  /** What the page can do; nothing without our script in it. */
  can: { back: boolean; forward: boolean };
  onLoad(): void;
  enter(path?: string): void;
  go(path: string): void;
  back(): void;
  forward(): void;
  reload(): void;
}

/** The page in the iframe: how it is entered and led, and what it says. */
export function useFrame(previewUrl: string): Frame {
  const { projectId, pageLog } = useBuilder();
  const frame = useRef<HTMLIFrameElement | null>(null);
  const [entry, setEntry] = useState<Frame["entry"]>(null);
  const [path, setPath] = useState(() => recallPath(projectId));
  const [isLoading, setLoading] = useState(false);
  const [since, setSince] = useState(0);
  const [error, setError] = useState<unknown>(null);
  /** null: the page does not have our script in it. */
  const [can, setCan] = useState<Frame["can"] | null>(null);
  const latestPath = useRef(path);
  const heard = useRef(false);
  const enteredAt = useRef(0);
  const asking = useRef<AbortController | null>(null);
  const deaf = useRef<ReturnType<typeof setTimeout>>(undefined);
  /** What the next load of the frame is the first of. */
  const begun = useRef<"entry" | "second try" | null>(null);
  const origin = new URL(previewUrl).origin;

  useEffect(() => {
    const onMessage = (event: MessageEvent) => {
      const window = frame.current?.contentWindow;
      if (!window || event.source !== window || event.origin !== origin) {
        return;
      }
      const said = readSaid(event.data, t.preview.inspector, Date.now());
      if (said?.type === "message") {
        pageLog.add(said.message);
      } else if (said) {
        heard.current = true;
        clearTimeout(deaf.current);
        if (said.isStart) {
          setSince(Date.now());
        }
        latestPath.current = said.path;
        setPath(said.path);
        setCan({ back: said.canBack, forward: said.canForward });
        rememberPath(projectId, said.path);
      }
    };
    window.addEventListener("message", onMessage);
    return () => window.removeEventListener("message", onMessage);
  }, [origin, pageLog, projectId]);

  const load = useCallback(
    (to: string, begins: "entry" | "second try") => {
      asking.current?.abort();
      clearTimeout(deaf.current);
      const ask = new AbortController();
      asking.current = ask;
      latestPath.current = to;
      setPath(to);
      setLoading(true);
      setError(null);
      sendJson<Ticket>(
        "POST",
        `/projects/${projectId}/preview-tickets`,
        { path: to },
        { signal: ask.signal },
      ).then(
        ({ url }) => {
          enteredAt.current = Date.now();
          heard.current = false;
          begun.current = begins;
          setEntry((before) => ({ url, n: (before?.n ?? 0) + 1 }));
        },
        (reason: unknown) => {
          if (!ask.signal.aborted) {
            setError(reason);
            setLoading(false);
          }
        },
      );
    },
    [projectId],
  );
  const enter = useCallback(
    (to = latestPath.current) => load(to, "entry"),
    [load],
  );
  useEffect(
    () => () => {
      asking.current?.abort();
      clearTimeout(deaf.current);
    },
    [],
  );

  const tell = (type: "back" | "forward" | "reload" | "go", to?: string) =>
    frame.current?.contentWindow?.postMessage(
      { source: "slipway-editor", v: 1, type, ...(to && { path: to }) },
      origin,
    );
  /** The page that is to hear it may have gone since, or hang in a loop: then the app is entered anew. */
  const tellOrEnter = (type: "reload" | "go", to?: string) => {
    clearTimeout(deaf.current);
    tell(type, to);
    deaf.current = setTimeout(() => enter(to), DEAF_MS);
  };
  const mayStay = () =>
    can !== null && Date.now() - enteredAt.current < GRANT_MS;

  return {
    attach: useCallback((element) => {
      frame.current = element;
    }, []),
    entry,
    path,
    isLoading,
    since,
    error,
    can: can ?? { back: false, forward: false },
    onLoad: () => {
      setLoading(false);
      const was = begun.current;
      begun.current = null;
      setTimeout(() => {
        if (!heard.current) {
          setCan(null);
          // Chromium drops what loads when a network interface comes, as with each container of its own host.
          if (was === "entry") {
            load(latestPath.current, "second try");
          }
        }
        heard.current = false;
      }, SILENT_MS);
    },
    enter,
    go: (to) => {
      if (mayStay()) {
        tellOrEnter("go", to);
      } else {
        enter(to);
      }
    },
    back: () => tell("back"),
    forward: () => tell("forward"),
    reload: () => {
      if (mayStay()) {
        setLoading(true);
        tellOrEnter("reload");
      } else {
        enter();
      }
    },
  };
}
