import { describe, expect, it } from "vitest";
import type { Generation, GenerationEvents } from "../../api/types";
import {
  advance,
  askedTurn,
  settledTurn,
  storedTurn,
  withCounts,
  type AnyEvent,
  type Progress,
} from "./progress";

const NOW = 1_764_020_685_000;

const begun = (): Progress => ({
  turn: askedTurn("local", { prompt: "a clock", mode: "build" }, NOW),
  lastId: 0,
});

type Told = {
  [K in keyof GenerationEvents]: [K, GenerationEvents[K]];
}[keyof GenerationEvents];

const numbered = (told: (Told | [string, unknown])[]): AnyEvent[] =>
  told.map(([type, data], at) => ({ id: at + 1, type, data }));

function play(events: AnyEvent[], from = begun()): Progress {
  return events.reduce((progress, e) => advance(progress, e, NOW), from);
}

const GENERATION: Told = [
  "generation",
  {
    id: "g1",
    project_id: "p1",
    mode: "build",
    provider: "openai",
    model: "m",
    state: "running",
    base_version: 2,
  },
];

const WHOLE = numbered([
  GENERATION,
  ["message", { delta: "Here " }],
  ["file", { path: "a.js", state: "writing", bytes: 0 }],
  ["file", { path: "a.js", state: "writing", bytes: 3, delta: "let" }],
  ["message", { delta: "it is." }],
  ["file", { path: "a.js", state: "writing", bytes: 5, delta: " a" }],
  ["file", { path: "a.js", state: "written", bytes: 5 }],
  ["usage", { prompt_tokens: 3, completion_tokens: null }],
  ["version", { version: 3, parent: 2, files: 4, overwrote: [] }],
  ["step", { name: "install", state: "started", at: NOW }],
  ["output", { stream: "stdout", data: "added 3\n", source: "install" }],
  ["step", { name: "install", state: "finished", at: NOW, duration_ms: 9 }],
  ["step", { name: "start", state: "started", at: NOW + 10 }],
  ["output", { stream: "stderr", data: "warn\n", source: "app" }],
  ["output", { stream: "stdout", data: "up\n", source: "app" }],
  ["step", { name: "start", state: "listening", at: NOW + 50, port: 3000 }],
  [
    "preview",
    {
      url: "http://x.preview.localhost/",
      port: 3000,
      status: 200,
      content_type: "text/html",
      checked: 1,
    },
  ],
  ["done", { state: "done", version: 3 }],
]);

describe("a turn made of its events", () => {
  it("has what they said", () => {
    const { turn, lastId } = play(WHOLE);
    expect(lastId).toBe(WHOLE.length);
    expect(turn).toMatchObject({
      id: "g1",
      key: "local",
      prompt: "a clock",
      model: "m",
      state: "done",
      reply: "Here it is.",
      baseVersion: 2,
      parent: 2,
      version: 3,
      finishedAt: NOW,
      error: null,
    });
    expect(turn.files).toEqual([
      {
        path: "a.js",
        state: "written",
        text: "let a",
        reason: null,
        additions: null,
        deletions: null,
      },
    ]);
    expect(turn.steps.map((step) => [step.name, step.last.state])).toEqual([
      ["install", "finished"],
      ["start", "listening"],
    ]);
    expect(turn.steps[0]?.output).toEqual([
      { stream: "stdout", text: "added 3\n" },
    ]);
    expect(turn.steps[1]?.output).toEqual([
      { stream: "stderr", text: "warn\n" },
      { stream: "stdout", text: "up\n" },
    ]);
    expect(turn.preview?.port).toBe(3000);
  });

  it("is the same wherever the stream broke and however much came twice", () => {
    const whole = play(WHOLE);
    for (let cut = 0; cut <= WHOLE.length; cut++) {
      for (const back of [0, 1, 3, WHOLE.length]) {
        const first = play(WHOLE.slice(0, cut));
        const resumed = WHOLE.slice(Math.max(0, cut - back));
        expect(play(resumed, first)).toEqual(whole);
      }
    }
  });

  it("passes over what it does not know, and counts it as seen", () => {
    const { turn, lastId } = play(
      numbered([
        GENERATION,
        ["thought", { delta: "hm" }],
        ["constructor", {}],
        ["message", null],
        ["message", { delta: "a" }],
      ]),
    );
    expect(turn.reply).toBe("a");
    expect(lastId).toBe(5);
  });

  it("shares what has not changed with the turn before", () => {
    const before = play(WHOLE.slice(0, 7));
    const after = play(WHOLE.slice(7, 8), before);
    expect(after.turn.files).toBe(before.turn.files);
    expect(before.turn.reply).toBe("Here it is.");
  });

  it("stays finished when the first event comes last", () => {
    const { turn } = play(
      numbered([["done", { state: "failed", version: null }], GENERATION]),
    );
    expect(turn.state).toBe("failed");
  });

  it("has an error before a version and after one", () => {
    const problem = { type: "/x", title: "X", status: 502, detail: "no" };
    const before = play(
      numbered([
        GENERATION,
        ["error", problem],
        ["done", { state: "failed", version: null }],
      ]),
    ).turn;
    expect(before).toMatchObject({
      state: "failed",
      error: problem,
      version: null,
    });
    const after = play(
      numbered([
        GENERATION,
        ["version", { version: 3, parent: 2, files: 1, overwrote: ["b.js"] }],
        ["error", problem],
        ["done", { state: "done", version: 3 }],
      ]),
    ).turn;
    expect(after).toMatchObject({
      state: "done",
      error: problem,
      version: 3,
      overwrote: ["b.js"],
    });
  });

  it.each(["done", "failed", "cancelled", "interrupted"] as const)(
    "can end as %s",
    (state) => {
      const { turn } = play(
        numbered([GENERATION, ["done", { state, version: null }]]),
      );
      expect(turn.state).toBe(state);
      expect(turn.finishedAt).toBe(NOW);
    },
  );
});

describe("files", () => {
  const filesOf = (told: Told[]) => play(numbered(told)).turn.files;

  it("are written anew when they begin again", () => {
    const [file] = filesOf([
      ["file", { path: "a", state: "writing", bytes: 0, delta: "" }],
      ["file", { path: "a", state: "writing", bytes: 3, delta: "old" }],
      ["file", { path: "a", state: "writing", bytes: 0, delta: "" }],
      ["file", { path: "a", state: "writing", bytes: 3, delta: "new" }],
    ]);
    expect(file?.text).toBe("new");
  });

  it("are deleted and refused", () => {
    const files = filesOf([
      ["file", { path: "a", state: "deleted" }],
      ["file", { path: "../b", state: "refused", reason: "leads outside" }],
    ]);
    expect(files.map((f) => [f.state, f.text, f.reason])).toEqual([
      ["deleted", null, null],
      ["refused", null, "leads outside"],
    ]);
  });

  it("can be written without having been seen on the way", () => {
    expect(filesOf([["file", { path: "a", state: "written" }]])[0]).toEqual({
      path: "a",
      state: "written",
      text: null,
      reason: null,
      additions: null,
      deletions: null,
    });
  });

  it("keep their counts while they go on", () => {
    const progress = play(WHOLE.slice(0, 4));
    const turn = withCounts(
      progress.turn,
      new Map([["a.js", { additions: 1, deletions: 0 }]]),
    );
    const next = play(WHOLE.slice(4), { ...progress, turn });
    expect(next.turn.files[0]).toMatchObject({ additions: 1, deletions: 0 });
  });
});

describe("what steps print", () => {
  const stepsOf = (told: Told[]) => play(numbered(told)).turn.steps;

  it("belongs to the step under way when its source is not told", () => {
    const steps = stepsOf([
      ["step", { name: "install", state: "finished", at: NOW }],
      ["step", { name: "run", state: "started", at: NOW, entry: "a.js" }],
      ["output", { stream: "stdout", data: "a" }],
      ["output", { stream: "stdout", data: "b" }],
      ["step", { name: "run", state: "finished", at: NOW, exit_code: 0 }],
      ["output", { stream: "response", data: "c" }],
    ]);
    expect(steps[1]?.output).toEqual([
      { stream: "stdout", text: "ab" },
      { stream: "response", text: "c" },
    ]);
  });

  it("is not lost when it comes before any step", () => {
    const steps = stepsOf([["output", { stream: "stdout", data: "early" }]]);
    expect(steps[0]?.output[0]?.text).toBe("early");
  });

  it("is kept to a bound, from the end", () => {
    const line = "x".repeat(30_000);
    const told: Told[] = [["step", { name: "run", state: "started", at: NOW }]];
    for (let n = 0; n < 10; n++) {
      const stream = n % 2 ? "stdout" : "stderr";
      told.push(["output", { stream, data: `${n}${line}` }]);
    }
    const pieces = stepsOf(told)[0]!.output;
    const all = pieces.map((piece) => piece.text).join("");
    expect(all.length).toBe(200_000);
    expect(all.endsWith(`9${line}`)).toBe(true);
  });

  it("knows when a step began, also when only its end was seen", () => {
    const steps = stepsOf([
      ["step", { name: "start", state: "listening", at: NOW, duration_ms: 40 }],
    ]);
    expect(steps[0]?.startedAt).toBe(NOW - 40);
  });
});

describe("turns from the list", () => {
  const stored: Generation = {
    id: "g1",
    project_id: "p1",
    mode: "build",
    prompt: "a clock",
    provider: "openai",
    model: "m",
    state: "done",
    base_version: 0,
    version: 1,
    error: null,
    cancel_requested: false,
    usage: { prompt_tokens: null, completion_tokens: null },
    reply: "Done.",
    summary: {
      files: [{ path: "a", state: "written", additions: 4, deletions: 1 }],
      steps: [{ name: "start", state: "listening", at: NOW, duration_ms: 400 }],
      preview: null,
      result: "passed",
    },
    started_at: "2025-11-24T21:44:45.000Z",
    finished_at: "2025-11-24T21:44:55.000Z",
  };

  it("are whole without their events", () => {
    const turn = storedTurn(stored);
    expect(turn).toMatchObject({ id: "g1", reply: "Done.", version: 1 });
    expect(turn.files[0]).toMatchObject({ additions: 4, deletions: 1 });
    expect(turn.finishedAt! - turn.startedAt).toBe(10_000);
  });

  it("may be from before summaries were kept", () => {
    const old = { ...stored, reply: null, summary: null };
    expect(storedTurn(old)).toMatchObject({ reply: "", files: [], steps: [] });
  });

  it("settle a turn that was seen, and take nothing from it", () => {
    const seen = play(WHOLE.slice(0, -1)).turn;
    const settled = settledTurn(
      { ...seen, reconnecting: true },
      {
        ...stored,
        reply: null,
        summary: {
          ...stored.summary!,
          files: [
            { path: "a.js", state: "written", additions: 1, deletions: 0 },
          ],
        },
      },
    );
    expect(settled).toMatchObject({
      state: "done",
      reply: "Here it is.",
      reconnecting: false,
    });
    expect(settled.files[0]).toMatchObject({ text: "let a", additions: 1 });
    expect(settled.steps).toBe(seen.steps);
  });

  it("tell of a turn whose events were not seen", () => {
    const unseen = { ...storedTurn(stored), reply: "", files: [], steps: [] };
    const settled = settledTurn({ ...unseen, state: "running" }, stored);
    expect(settled).toMatchObject({ reply: "Done.", state: "done" });
    expect(settled.steps).toHaveLength(1);
  });
});
