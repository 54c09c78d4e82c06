import { expect, it } from "vitest";
import { languageName, languageOf } from "./language";

it.each([
  ["src/App.tsx", "typescript"],
  ["a.mjs", "javascript"],
  ["style.SCSS", "scss"],
  ["index.html", "html"],
  ["Dockerfile", "dockerfile"],
  ["Dockerfile.dev", "dockerfile"],
  [".env.local", "ini"],
  ["tsconfig.json", "json"],
  ["logo.svg", "xml"],
  ["README.md", "markdown"],
  ["LICENSE", "plaintext"],
  ["a/constructor", "plaintext"],
  ["x.toString", "plaintext"],
])("%s is %s", (path, language) => expect(languageOf(path)).toBe(language));

it("has names for people", () => {
  expect(languageName("typescript")).toBe("TypeScript");
  expect(languageName("python")).toBe("Python");
});
