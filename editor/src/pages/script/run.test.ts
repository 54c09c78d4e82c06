import { afterEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../../api/http";
import { addText, CutOff, ScriptRun, type RunState } from "./run";

const encoder = new TextEncoder();
const event = (type: string, data: unknown) =>
  `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

const EXIT = {
  exit_code: 0,
  signal: null,
  timed_out: false,
  truncated: false,
  oom_killed: false,
  duration_ms: 12,
};

function answering(body: BodyInit | ReadableStream, status = 200) {
  const fetch = vi.fn<(url: string, init: RequestInit) => Promise<Response>>(
    () => Promise.resolve(new Response(body, { status })),
  );
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

afterEach(() => vi.unstubAllGlobals());

const REQUEST = { code: "1", stdin: "", timeoutMs: 10_000 };

async function runAll(run: ScriptRun): Promise<RunState> {
  await run.start(REQUEST);
  return run.getSnapshot();
}

describe("ScriptRun", () => {
  it("gathers what is printed, told apart, until the end", async () => {
    const fetch = answering(
      event("stdout", { data: "a" }) +
        event("stdout", { data: "b\n" }) +
        event("stderr", { data: "oh\n" }) +
        event("exit", EXIT),
    );
    const state = await runAll(new ScriptRun());
    expect(state).toMatchObject({
      phase: "ended",
      segments: [
        { stream: "stdout", text: "ab\n" },
        { stream: "stderr", text: "oh\n" },
      ],
      exit: EXIT,
      error: null,
      stoppedByUser: false,
    });
    const [, init] = fetch.mock.calls[0]!;
    expect(JSON.parse(init.body as string)).toEqual({
      code: "1",
      stdin: null,
      timeout_ms: 10_000,
    });
    expect(init.headers).toMatchObject({ Accept: "text/event-stream" });
  });

  it("says when the stream ends without an exit", async () => {
    answering(event("stdout", { data: "a" }));
    expect((await runAll(new ScriptRun())).error).toBeInstanceOf(CutOff);
  });

  it("passes on a refusal", async () => {
    answering(JSON.stringify({ title: "Too many", detail: "wait" }), 429);
    const { error, phase } = await runAll(new ScriptRun());
    expect(phase).toBe("ended");
    expect(error).toBeInstanceOf(Problem);
  });

  it("shows the words of an event error", async () => {
    answering(
      event("error", { title: "Gone", detail: "the sandbox broke off" }),
    );
    expect(String((await runAll(new ScriptRun())).error)).toContain(
      "broke off",
    );
  });

  it("stops when asked to, and keeps what was printed", async () => {
    const run = new ScriptRun();
    vi.stubGlobal("fetch", (_url: string, { signal }: RequestInit) => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(encoder.encode(event("stdout", { data: "tick" })));
          signal!.addEventListener("abort", () =>
            controller.error(signal!.reason),
          );
        },
      });
      return Promise.resolve(new Response(body));
    });
    run.subscribe(() => {
      if (run.getSnapshot().segments.length > 0) {
        run.stop();
      }
    });
    const state = await runAll(run);
    expect(state).toMatchObject({
      phase: "ended",
      stoppedByUser: true,
      error: null,
      segments: [{ stream: "stdout", text: "tick" }],
    });
  });

  it("runs one at a time", async () => {
    const fetch = answering(event("exit", EXIT));
    const run = new ScriptRun();
    await Promise.all([run.start(REQUEST), run.start(REQUEST)]);
    expect(fetch).toHaveBeenCalledTimes(1);
  });
});

describe("addText", () => {
  it("begins another segment when one is long", () => {
    const long = "x".repeat(10_000);
    const segments = addText([{ stream: "stdout", text: long }], {
      stream: "stdout",
      text: "b",
    });
    expect(segments.map(({ text }) => text.length)).toEqual([10_000, 1]);
  });

  it("changes no segment that is shown", () => {
    const before = [{ stream: "stdout" as const, text: "a" }];
    addText(before, { stream: "stdout", text: "b" });
    expect(before[0]!.text).toBe("a");
  });
});
