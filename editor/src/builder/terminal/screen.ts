// xterm.js on an element, and a shell's connection behind it.

import { FitAddon } from "@xterm/addon-fit";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal, type ITheme } from "@xterm/xterm";
import { t } from "../../strings";
import { Connection } from "./connection";
import { Output } from "./output";

const FONT_PX = 13;
const SCROLLBACK = 5000;
const DIM = "\u001b[2m";
const PLAIN = "\u001b[0m";

export interface ScreenOptions {
  projectId: string;
  font: string;
  theme: ITheme;
  screenReader: boolean;
  /** Where an address that was printed leads; null: nowhere. */
  linkOf: (printed: string) => string | null;
  /** Somebody wants to leave the terminal by keyboard. */
  onLeave: () => void;
}

export interface ScreenHandle {
  connection: Connection;
  terminal: Terminal;
  /** What is typed goes through this: a key of the page may change it on the way. */
  setOnTyped(change: ((data: string) => string) | null): void;
  setTheme(theme: ITheme): void;
  setScreenReader(on: boolean): void;
  fit(): void;
  /** The text that is selected, or null. */
  selection(): string | null;
  destroy(): void;
}

const open = (url: string | null): void => {
  if (url !== null) {
    window.open(url, "_blank", "noopener,noreferrer");
  }
};

function isCopy(event: KeyboardEvent, hasSelection: boolean): boolean {
  const isC = event.ctrlKey && event.key.toLowerCase() === "c";
  return isC && !event.altKey && (event.shiftKey || hasSelection);
}

export function createScreen(
  element: HTMLElement,
  options: ScreenOptions,
): ScreenHandle {
  const { linkOf } = options;
  const terminal = new Terminal({
    fontFamily: options.font,
    fontSize: FONT_PX,
    lineHeight: 1.2,
    theme: options.theme,
    scrollback: SCROLLBACK,
    minimumContrastRatio: 4.5,
    screenReaderMode: options.screenReader,
    cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    // OSC 8: the words shown need not be the address.
    linkHandler: { activate: (_, uri) => open(linkOf(uri)) },
  });
  const fitAddon = new FitAddon();
  terminal.loadAddon(fitAddon);
  terminal.loadAddon(new WebLinksAddon((_, uri) => open(linkOf(uri))));
  terminal.open(element);

  const output = new Output(
    (data, done) => terminal.write(data, done),
    `\r\n${PLAIN}${DIM}${t.terminal.leftOut}${PLAIN}\r\n`,
  );
  const connection = new Connection(options.projectId, {
    size: () => ({ cols: terminal.cols, rows: terminal.rows }),
    reset: () => terminal.reset(),
    write: (bytes) => output.add(bytes),
    sayNew: () =>
      terminal.write(`\r\n${PLAIN}${DIM}${t.terminal.newShell}${PLAIN}\r\n`),
  });

  let onTyped: ((data: string) => string) | null = null;
  const handle: ScreenHandle = {
    connection,
    terminal,
    setOnTyped: (change) => {
      onTyped = change;
    },
    setTheme: (theme) => {
      terminal.options.theme = theme;
    },
    setScreenReader: (on) => {
      terminal.options.screenReaderMode = on;
    },
    fit: () => {
      // Hidden, it has no size, and the shell keeps its own.
      if (element.clientWidth > 0 && element.clientHeight > 0) {
        fitAddon.fit();
      }
    },
    selection: () => terminal.getSelection() || null,
    destroy: () => {
      connection.close();
      terminal.dispose();
    },
  };

  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type !== "keydown") {
      return true;
    }
    if (isCopy(event, terminal.hasSelection())) {
      const text = terminal.getSelection();
      if (text) {
        void navigator.clipboard.writeText(text).catch(() => {});
        terminal.clearSelection();
      }
      event.preventDefault();
      return false;
    }
    if (event.ctrlKey && event.shiftKey && event.key.toLowerCase() === "v") {
      return false; // the browser pastes, and the terminal takes it
    }
    if (event.ctrlKey && !event.shiftKey && event.key.toLowerCase() === "m") {
      event.preventDefault();
      options.onLeave();
      return false;
    }
    return true;
  });
  terminal.onData((typed) => {
    const { state } = connection.getSnapshot();
    const data = onTyped?.(typed) ?? typed;
    if (state === "open") {
      connection.send(data);
    } else if (
      typed === "\r" &&
      (state === "ended" || state === "asleep" || state === "taken")
    ) {
      terminal.write("\r\n");
      connection.open();
    }
  });
  terminal.onBinary((data) =>
    connection.send(Uint8Array.from(data, (c) => c.charCodeAt(0))),
  );
  terminal.onResize(({ cols, rows }) => connection.resize(cols, rows));
  handle.fit();
  connection.open();
  return handle;
}
