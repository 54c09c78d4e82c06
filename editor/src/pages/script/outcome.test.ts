import { describe, expect, it } from "vitest";
import { durationText, outcome } from "./outcome";
import { CutOff, type Exit, type RunState } from "./run";

const ended = (
  exit: Partial<Exit> | null,
  more: Partial<RunState> = {},
): RunState => ({
  phase: "ended",
  segments: [],
  startedAt: 0,
  error: null,
  stoppedByUser: false,
  exit: exit && {
    exit_code: 0,
    signal: null,
    timed_out: false,
    truncated: false,
    oom_killed: false,
    duration_ms: 62,
    ...exit,
  },
  ...more,
});

describe("outcome", () => {
  it.each([
    [{}, "good", "Finished in 62 ms"],
    [{ exit_code: 3 }, "bad", "exit code 3"],
    [
      {
        exit_code: null,
        signal: "SIGKILL",
        timed_out: true,
        duration_ms: 10_001,
      },
      "bad",
      "Stopped after 10.0 s: the time limit",
    ],
    [
      { exit_code: null, signal: "SIGKILL", truncated: true },
      "bad",
      "more than 1 MiB",
    ],
    [
      { exit_code: null, signal: "SIGKILL", oom_killed: true },
      "bad",
      "out of memory",
    ],
    [{ exit_code: null, signal: "SIGSEGV" }, "bad", "Killed by SIGSEGV"],
  ])("%j", (exit, tone, text) => {
    const result = outcome(ended(exit))!;
    expect(result.tone).toBe(tone);
    expect(result.text).toContain(text);
  });

  it("knows what one did oneself", () => {
    expect(outcome(ended(null, { stoppedByUser: true }))!.text).toBe(
      "Stopped by you.",
    );
  });

  it("tells a broken connection", () => {
    expect(outcome(ended(null, { error: new CutOff() }))!.text).toContain(
      "connection broke",
    );
  });

  it("is nothing while it runs", () => {
    expect(outcome({ ...ended({}), phase: "running" })).toBeNull();
  });
});

describe("durationText", () => {
  it.each([
    [0, "0 ms"],
    [999, "999 ms"],
    [1000, "1.00 s"],
    [9949, "9.95 s"],
    [9999, "10.0 s"],
  ])("%d", (ms, text) => expect(durationText(ms)).toBe(text));
});
