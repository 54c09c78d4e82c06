import { describe, expect, it } from "vitest";
import { levelOf } from "./level";

const of = (text: string, stream: "stdout" | "stderr" | "system" = "stdout") =>
  levelOf({ text, stream });

describe("levelOf", () => {
  it.each([
    ["Server listening on 3000", "info"],
    ["Found 0 errors. Watching for file changes.", "info"],
    ["found 0 vulnerabilities", "info"],
    ["TypeError: x is not a function", "error"],
    ["Error: listen EADDRINUSE: address already in use", "error"],
    ["[vite] Internal server error: Failed to resolve import", "error"],
    ["npm warn deprecated inflight@1.0.6: it leaks, with errors", "warn"],
    ["(node:7) ExperimentalWarning: x", "info"],
    ["Warning: Each child should have a key", "warn"],
    ["terror in the mirror", "info"],
  ] as const)("%s is %s", (text, level) => {
    expect(of(text)).toBe(level);
  });

  it("takes what is printed to stderr for a warning at least", () => {
    expect(of("something", "stderr")).toBe("warn");
    expect(of("    at main (/workspace/x.js:1:1)", "stderr")).toBe("error");
    expect(of("npm notice new version", "stderr")).toBe("info");
    expect(of("", "stderr")).toBe("info");
  });

  it("knows our own lines and the app's states", () => {
    expect(of("$ npm run dev", "system")).toBe("info");
    expect(of("$ node error.js", "system")).toBe("info");
    const state = (state: "crashed" | "running") =>
      levelOf({ text: "", stream: "system", state });
    expect(state("crashed")).toBe("error");
    expect(state("running")).toBe("info");
  });
});
