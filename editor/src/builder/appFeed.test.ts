import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createAppFeed } from "./appFeed";

const encoder = new TextEncoder();

/** A server with one app: its status, and its log as long as somebody reads it. */
class FakeServer {
  state = "running";
  /** What it answers instead. */
  status: number | null = null;
  readonly asked: { path: string; after: string | null }[] = [];
  #log: ReadableStreamDefaultController<Uint8Array> | undefined;

  fetch = (input: string, init: RequestInit = {}): Promise<Response> => {
    const path = input.replace("/api/v1/projects/p1", "");
    const after = new Headers(init.headers).get("Last-Event-ID");
    this.asked.push({ path, after });
    if (this.status) {
      const problem = { status: this.status, title: "X", detail: "" };
      return Promise.resolve(Response.json(problem, { status: this.status }));
    }
    if (path !== "/logs") {
      return Promise.resolve(
        Response.json({ state: this.state, version: 1, detail: "" }),
      );
    }
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#log = controller;
        init.signal?.addEventListener("abort", () => {
          controller.error(new DOMException("", "AbortError"));
        });
      },
    });
    return Promise.resolve(new Response(body));
  };

  line(id: number, text: string) {
    const data = { t: id, stream: "stdout", source: "app", text };
    this.event(id, "log", data);
  }

  event(id: number | null, event: string, data: object) {
    this.#log?.enqueue(
      encoder.encode(
        `${id === null ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
      ),
    );
  }

  cut() {
    this.#log?.error(new TypeError("network error"));
  }

  logsAsked = () => this.asked.filter(({ path }) => path === "/logs");
}

describe("the app's feed", () => {
  let server: FakeServer;
  beforeEach(() => {
    vi.useFakeTimers();
    server = new FakeServer();
    vi.stubGlobal("fetch", server.fetch);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  const wait = (ms = 50) => vi.advanceTimersByTimeAsync(ms);
  const connected = async () => {
    const feed = createAppFeed("p1", new QueryClient());
    const end = feed.connect();
    await wait();
    const texts = () => feed.getSnapshot().lines.map(({ text }) => text);
    return { feed, end, texts };
  };

  it("gathers lines and goes on after the last one when the stream breaks off", async () => {
    const { feed, end, texts } = await connected();
    expect(feed.getSnapshot().status?.state).toBe("running");
    server.line(5, "five");
    server.line(6, "six");
    await wait();
    server.cut();
    await wait(1000);
    expect(server.logsAsked().map(({ after }) => after)).toEqual([null, "6"]);
    server.line(6, "six");
    server.line(7, "seven");
    await wait();
    expect(texts()).toEqual(["five", "six", "seven"]);
    end();
  });

  it("asks for the status when the stream tells of a change", async () => {
    const { feed, end } = await connected();
    server.state = "crashed";
    server.event(8, "state", { state: "crashed", error: "it broke" });
    await wait(200);
    expect(feed.getSnapshot().status?.state).toBe("crashed");
    expect(feed.getSnapshot().lines.at(-1)).toMatchObject({
      state: "crashed",
      text: "it broke",
    });
    end();
  });

  it("says what was asked of the app until that is answered, well or not", async () => {
    const { feed, end } = await connected();
    const stopping = feed.stop();
    expect(feed.getSnapshot().asked).toBe("stop");
    await stopping;
    expect(feed.getSnapshot().asked).toBeNull();
    server.status = 503;
    await expect(feed.restart()).rejects.toThrow();
    expect(feed.getSnapshot().asked).toBeNull();
    end();
  });

  it("opens no stream while nothing runs, and one when something does", async () => {
    server.state = "stopped";
    const { feed, end } = await connected();
    await wait(3000);
    expect(server.logsAsked()).toHaveLength(0);
    server.state = "installing";
    await feed.start();
    await wait(1000);
    expect(server.logsAsked()).toHaveLength(1);
    end();
  });

  it.each([
    [500, true],
    [404, false],
  ])("after a %i asks again: %s", async (status, again) => {
    const { feed, end } = await connected();
    server.status = status;
    server.cut();
    await wait(20_000);
    server.status = null;
    server.state = "crashed";
    const before = server.logsAsked().length;
    await wait(20_000);
    const { state } = feed.getSnapshot().status!;
    expect(state).toBe(again ? "crashed" : "running");
    expect(server.logsAsked().length > before).toBe(again);
    end();
  });

  it("rests while the page is hidden", async () => {
    const { end, texts } = await connected();
    const visibility = vi.spyOn(document, "visibilityState", "get");
    visibility.mockReturnValue("hidden");
    document.dispatchEvent(new Event("visibilitychange"));
    await wait();
    const before = server.asked.length;
    await wait(120_000);
    expect(server.asked).toHaveLength(before);
    visibility.mockReturnValue("visible");
    document.dispatchEvent(new Event("visibilitychange"));
    await wait(1000);
    server.line(9, "nine");
    await wait();
    expect(texts()).toEqual(["nine"]);
    end();
    await wait();
    const after = server.asked.length;
    await wait(120_000);
    expect(server.asked).toHaveLength(after);
  });

  it("begins anew with a sandbox that counts from less", async () => {
    const { end, texts } = await connected();
    server.line(1000, "old");
    await wait();
    server.event(null, "state", { state: "running", last_log_id: 3 });
    await wait(1000);
    expect(server.logsAsked().at(-1)?.after).toBeNull();
    server.line(1, "new");
    await wait();
    expect(texts()).toEqual(["old", "new"]);
    end();
  });

  it("forgets what was cleared for good", async () => {
    const { feed, end, texts } = await connected();
    server.line(5, "five");
    await wait();
    feed.clear();
    server.cut();
    await wait(1000);
    expect(server.logsAsked().at(-1)?.after).toBe("5");
    expect(texts()).toEqual([]);
    end();
  });
});
