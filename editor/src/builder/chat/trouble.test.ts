import { describe, expect, it } from "vitest";
import type { AppStatus } from "../../api/types";
import type { AppFeedState, PageMessage, Turn } from "../context";
import { askedTurn } from "../conversation/progress";
import { findTrouble } from "./trouble";

const status = (state: AppStatus["state"], more = {}): AppStatus => ({
  state,
  phase: "",
  detail: "",
  for_ms: 1,
  preview_url: "",
  port: null,
  ports: [],
  plan: null,
  exit_code: null,
  signal: null,
  error: null,
  install_ms: null,
  start_ms: null,
  stopped_by_owner: false,
  version: 1,
  hydrated_version: 1,
  ...more,
});

const feed = (given: AppStatus | null, texts: string[] = []): AppFeedState => ({
  status: given,
  lines: texts.map((text, id) => ({
    id,
    t: 0,
    stream: "stderr",
    source: "app",
    text,
  })),
  starts: 0,
  reconnecting: false,
  asked: null,
});

const said = (text: string, t: number, more = {}): PageMessage => ({
  id: t,
  t,
  kind: "error",
  level: "error",
  text,
  detail: null,
  at: null,
  ...more,
});

const done: Turn = {
  ...askedTurn("g", { prompt: "x", mode: "build" }, 0),
  state: "done",
  version: 1,
  steps: [
    {
      name: "check",
      last: { name: "check", state: "finished", at: 120 },
      startedAt: 100,
      output: [],
    },
  ],
  finishedAt: 120,
};

describe("what is told between turns", () => {
  it("nothing while all is well", () => {
    expect(findTrouble(done, feed(null), [])).toBeNull();
    expect(findTrouble(null, feed(status("running")), [])).toBeNull();
  });

  it("a crash, with the end of the log for the model", () => {
    const crashed = status("crashed", { exit_code: 1, error: "It threw." });
    const lines = ["\u001b[31mTypeError: x\u001b[0m", "    at server.js:3"];
    const trouble = findTrouble(done, feed(crashed, lines), []);
    expect(trouble?.text).toBe("It threw.");
    expect(trouble?.prompt).toContain("TypeError: x\n    at server.js:3");
    expect(trouble?.prompt).not.toContain("\u001b");
  });

  it("a crash before a page's error", () => {
    const page = [said("boom", 200)];
    const crashed = feed(status("crashed", { exit_code: 1 }));
    expect(findTrouble(done, crashed, page)?.key).toMatch(/^crash/);
    expect(findTrouble(done, feed(null), page)?.text).toBe("boom");
  });

  it("no page's error from before the files were changed, and no warnings", () => {
    const page = [
      said("old", 50),
      said("careful", 200, { kind: "console", level: "warn" }),
    ];
    expect(findTrouble(done, feed(null), page)).toBeNull();
    const early = [said("new", 110)]; // seen while the page was checked
    expect(findTrouble(done, feed(null), early)?.text).toBe("new");
  });

  it("nothing that the last turn says itself", () => {
    const failed: Turn = {
      ...done,
      steps: [
        {
          name: "start",
          last: { name: "start", state: "failed", at: 1 },
          startedAt: 0,
          output: [],
        },
      ],
    };
    const crashed = feed(status("crashed", { exit_code: 1 }));
    expect(findTrouble(failed, crashed, [said("boom", 200)])).toBeNull();
  });
});
