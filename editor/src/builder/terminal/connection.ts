// A shell over a WebSocket (docs/API.md, "GET /projects/{id}/terminal"): it outlives a lost connection for a
// minute, and this page's refresh.

import { getJson, isProblem } from "../../api/http";
import type { Project } from "../../api/types";
import { Value } from "../store";

export type Shell =
  | { state: "connecting" }
  | { state: "open" }
  /** `failures`: tries in a row that did not even begin. */
  | { state: "reconnecting"; failures: number }
  | { state: "ended"; exitCode: number | null; signal: string | null }
  /** Its sandbox was stopped. */
  | { state: "asleep" }
  /** Another window has it. */
  | { state: "taken" };

export interface Screen {
  size(): { cols: number; rows: number };
  /** A shell that is come back to sends what it printed once more. */
  reset(): void;
  write(bytes: Uint8Array): void;
  /** A new shell in place of one that was lost. */
  sayNew(): void;
}

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15_000;
const TAKEN = 4001;
const MESSAGE_MAX = 4096;

interface FromShell {
  type?: unknown;
  id?: unknown;
  resumed?: unknown;
  exit_code?: unknown;
  signal?: unknown;
}

const keyOf = (projectId: string): string => `slipway.terminal.${projectId}`;

function recallSession(projectId: string): string | null {
  try {
    const id = sessionStorage.getItem(keyOf(projectId));
    return id !== null && /^[0-9a-f]{32}$/.test(id) ? id : null;
  } catch {
    return null;
  }
}

function rememberSession(projectId: string, id: string | null): void {
  try {
    if (id === null) {
      sessionStorage.removeItem(keyOf(projectId));
    } else {
      sessionStorage.setItem(keyOf(projectId), id);
    }
  } catch {
    // After a refresh there is a new shell.
  }
}

export class Connection extends Value<Shell> {
  #socket: WebSocket | null = null;
  #session: string | null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #exit: { exitCode: number | null; signal: string | null } | null = null;
  /** What was asked for, to be compared with what one got. */
  #asked: string | null = null;
  #wantsNew = false;

  constructor(
    readonly projectId: string,
    readonly screen: Screen,
  ) {
    super({ state: "connecting" });
    this.#session = recallSession(projectId);
  }

  /** Connects, or connects anew; the same shell if there still is one. */
  open(): void {
    this.#drop();
    if (this.getSnapshot().state !== "reconnecting") {
      this.set({ state: "connecting" });
    }
    this.#exit = null;
    this.#asked = this.#session;
    const { cols, rows } = this.screen.size();
    const query = new URLSearchParams({
      cols: String(cols),
      rows: String(rows),
      ...(this.#session && { session: this.#session }),
    });
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(
      `${scheme}://${location.host}/api/v1/projects/${this.projectId}/terminal?${query}`,
    );
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    let hasBegun = false;
    socket.onopen = () => {
      hasBegun = true;
      this.#failures = 0;
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof ArrayBuffer) {
        this.screen.write(new Uint8Array(data));
      } else if (typeof data === "string" && data.length <= MESSAGE_MAX) {
        this.#hear(data);
      }
    };
    socket.onclose = ({ code }) => void this.#closed(socket, code, hasBegun);
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(
        typeof data === "string" ? new TextEncoder().encode(data) : data,
      );
    }
  }

  resize(cols: number, rows: number): void {
    this.#say({ type: "resize", cols, rows });
  }

  /** Ends this shell, whatever runs in it, and begins another. */
  restart(): void {
    const isOpen = this.getSnapshot().state === "open";
    this.#forget();
    if (isOpen) {
      this.#wantsNew = true;
      this.#say({ type: "close" });
    } else {
      this.open();
    }
  }

  /** Leaves; the shell waits for a minute. */
  close(): void {
    this.#drop();
  }

  #say(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(message));
    }
  }

  #hear(text: string): void {
    let message: FromShell | null;
    try {
      message = JSON.parse(text) as FromShell | null;
    } catch {
      return;
    }
    if (message?.type === "session" && typeof message.id === "string") {
      this.#begin(message.id, message.resumed);
    } else if (message?.type === "exit") {
      const { exit_code: code, signal } = message;
      this.#exit = {
        exitCode: typeof code === "number" ? code : null,
        signal: typeof signal === "string" ? signal.slice(0, 32) : null,
      };
    }
  }

  #begin(id: string, resumed: unknown): void {
    const isSame = typeof resumed === "boolean" ? resumed : id === this.#asked;
    if (isSame) {
      this.screen.reset();
    } else if (this.#asked !== null) {
      this.screen.sayNew();
    }
    this.#session = id;
    rememberSession(this.projectId, id);
    this.set({ state: "open" });
    const { cols, rows } = this.screen.size();
    this.resize(cols, rows); // it may have changed on the way
  }

  async #closed(
    socket: WebSocket,
    code: number,
    hasBegun: boolean,
  ): Promise<void> {
    if (socket !== this.#socket) {
      return;
    }
    this.#socket = null;
    if (this.#wantsNew) {
      this.#wantsNew = false;
      this.screen.reset();
      this.open();
    } else if (this.#exit) {
      this.#forget();
      this.set({ state: "ended", ...this.#exit });
    } else if (code === TAKEN) {
      this.set({ state: "taken" });
    } else {
      this.#failures += hasBegun ? 0 : 1;
      const wasOpen = this.getSnapshot().state === "open";
      this.set({ state: "reconnecting", failures: this.#failures });
      // Coming back would wake a sandbox that somebody has just stopped.
      if (wasOpen && (await this.#isStopped())) {
        if (this.getSnapshot().state === "reconnecting") {
          this.#forget();
          this.set({ state: "asleep" });
        }
        return;
      }
      const wait = RETRY_MIN_MS * 2 ** Math.max(0, this.#failures - 1);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.open(), Math.min(wait, RETRY_MAX_MS));
    }
  }

  async #isStopped(): Promise<boolean> {
    try {
      const project = await getJson<Project>(`/projects/${this.projectId}`);
      return project.status === "stopped";
    } catch (error) {
      return isProblem(error) && !error.isTransient; // gone, or signed out
    }
  }

  #forget(): void {
    this.#session = null;
    rememberSession(this.projectId, null);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
