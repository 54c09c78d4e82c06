import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection, type Screen } from "./connection";
import { arrow, withCtrl } from "./keyCodes";
import { linkOf } from "./links";
import { Output } from "./output";

const ID = "0123456789abcdef0123456789abcdef";

class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  binaryType = "";
  sent: unknown[] = [];
  onopen?: () => void;
  onmessage?: (event: { data: unknown }) => void;
  onclose?: (event: { code: number }) => void;

  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }

  send(data: unknown) {
    this.sent.push(data);
  }

  close() {
    this.readyState = 3;
  }

  accept(session: object) {
    this.readyState = 1;
    this.onopen?.();
    this.say({ type: "session", ...session });
  }

  say(message: object) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  end(code: number) {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  static get last() {
    return FakeSocket.all.at(-1)!;
  }
}

describe("Connection", () => {
  const screen = {
    size: () => ({ cols: 80, rows: 24 }),
    reset: vi.fn(),
    write: vi.fn(),
    sayNew: vi.fn(),
  } satisfies Screen;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.clearAllMocks();
    FakeSocket.all = [];
    vi.stubGlobal("WebSocket", FakeSocket);
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no network")));
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  const open = () => {
    const connection = new Connection("p1", screen);
    connection.open();
    return connection;
  };

  it("asks for a size and remembers the shell for a refresh", () => {
    const connection = open();
    expect(FakeSocket.last.url).toContain("cols=80&rows=24");
    FakeSocket.last.accept({ id: ID, resumed: false });
    expect(connection.getSnapshot()).toEqual({ state: "open" });
    expect(screen.sayNew).not.toHaveBeenCalled();
    open();
    expect(FakeSocket.last.url).toContain(`session=${ID}`);
    FakeSocket.last.accept({ id: ID, resumed: true });
    expect(screen.reset).toHaveBeenCalledOnce();
  });

  it("says when it is not the same shell, whether or not the agent does", () => {
    for (const answer of [{ resumed: false }, {}]) {
      vi.clearAllMocks();
      sessionStorage.setItem("slipway.terminal.p1", ID);
      open();
      FakeSocket.last.accept({ id: ID.replace("0", "f"), ...answer });
      expect(screen.sayNew).toHaveBeenCalledOnce();
      expect(screen.reset).not.toHaveBeenCalled();
    }
  });

  it("comes back after a lost connection, later each time it fails", async () => {
    const connection = open();
    FakeSocket.last.accept({ id: ID });
    FakeSocket.last.end(1006);
    expect(connection.getSnapshot()).toMatchObject({ state: "reconnecting" });
    await vi.advanceTimersByTimeAsync(600);
    expect(FakeSocket.all).toHaveLength(2);
    for (const failures of [1, 2, 3]) {
      FakeSocket.last.end(1006);
      expect(connection.getSnapshot()).toEqual({
        state: "reconnecting",
        failures,
      });
      await vi.advanceTimersByTimeAsync(500 * 2 ** (failures - 1) - 1);
      expect(FakeSocket.all).toHaveLength(failures + 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(FakeSocket.all).toHaveLength(failures + 2);
    }
    FakeSocket.last.accept({ id: ID, resumed: true });
    expect(connection.getSnapshot()).toEqual({ state: "open" });
  });

  it("does not come back to a shell that ended", async () => {
    const connection = open();
    FakeSocket.last.accept({ id: ID });
    FakeSocket.last.say({ type: "exit", exit_code: 3, signal: null });
    FakeSocket.last.end(1000);
    expect(connection.getSnapshot()).toEqual({
      state: "ended",
      exitCode: 3,
      signal: null,
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.all).toHaveLength(1);
    connection.open();
    expect(FakeSocket.last.url).not.toContain("session");
  });

  it("does not fight with another window", async () => {
    const connection = open();
    FakeSocket.last.accept({ id: ID });
    FakeSocket.last.end(4001);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(connection.getSnapshot()).toEqual({ state: "taken" });
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("does not wake a sandbox that was stopped", async () => {
    const connection = open();
    FakeSocket.last.accept({ id: ID });
    vi.stubGlobal("fetch", () =>
      Promise.resolve(Response.json({ status: "stopped" })),
    );
    FakeSocket.last.end(1006);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(connection.getSnapshot()).toEqual({ state: "asleep" });
    expect(FakeSocket.all).toHaveLength(1);
  });

  it("closes the shell before it begins another", () => {
    const connection = open();
    FakeSocket.last.accept({ id: ID });
    const first = FakeSocket.last;
    connection.restart();
    expect(first.sent.at(-1)).toBe('{"type":"close"}');
    first.say({ type: "exit", exit_code: null, signal: "SIGHUP" });
    first.end(1000);
    expect(FakeSocket.all).toHaveLength(2);
    expect(FakeSocket.last.url).not.toContain("session");
  });

  it("passes over what no shell says", () => {
    const connection = open();
    FakeSocket.last.accept({ id: ID });
    for (const data of ["{", "null", '{"type":7}', "x".repeat(5000)]) {
      FakeSocket.last.onmessage?.({ data });
    }
    expect(connection.getSnapshot()).toEqual({ state: "open" });
  });
});

describe("Output", () => {
  it("leaves out what comes faster than it is shown, and says so", () => {
    const done: (() => void)[] = [];
    const written: unknown[] = [];
    const output = new Output((data, callback) => {
      written.push(data);
      done.push(callback);
    }, "left out");
    const piece = new Uint8Array(1024 * 1024);
    for (let i = 0; i < 100; i++) {
      output.add(piece);
    }
    expect(written.length).toBeLessThan(10);
    done.splice(0).forEach((callback) => callback());
    output.add(piece);
    expect(written.at(-2)).toBe("left out");
    expect(written.at(-1)).toBe(piece);
  });
});

describe("keys", () => {
  it("makes control characters", () => {
    expect(withCtrl("c")).toBe("\u0003");
    expect(withCtrl("[")).toBe("\u001b");
    expect(withCtrl(" ")).toBe("\u0000");
    expect(withCtrl("1")).toBeNull();
    expect(withCtrl("ab")).toBeNull();
  });

  it("makes arrows in both forms", () => {
    expect(arrow("up", false)).toBe("\u001b[A");
    expect(arrow("left", true)).toBe("\u001bOD");
  });
});

describe("linkOf", () => {
  it("leads a program's localhost to the preview", () => {
    expect(linkOf("http://localhost:5173/a?b", "app-1", 5173)).toBe(
      "/api/v1/previews/app-1/open?to=%2Fa%3Fb",
    );
    expect(linkOf("http://127.0.0.1:9000/", "app-1", 5173)).toBe(
      "/api/v1/previews/9000--app-1/open?to=%2F",
    );
  });

  it("knows web addresses only", () => {
    expect(linkOf("https://example.com/x", "app-1", null)).toBe(
      "https://example.com/x",
    );
    expect(linkOf("javascript:alert(1)", "app-1", null)).toBeNull();
    expect(linkOf("no", "app-1", null)).toBeNull();
  });
});
