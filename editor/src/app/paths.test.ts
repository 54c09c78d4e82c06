import { describe, expect, it } from "vitest";
import { isEditorPath, nextPath } from "./paths";

const next = (value: string) => nextPath(`?next=${encodeURIComponent(value)}`);

describe("nextPath", () => {
  it("is the home page without ?next=", () => {
    expect(nextPath("")).toBe("/");
    expect(nextPath("?next=")).toBe("/");
  });

  it.each([
    "/projects/dfd85ef9-e51e-4eab-a1e7-667ffa32da71/code",
    "/settings/users?x=1#y",
    "/api/v1/previews/first-8qm17ldp5b/open?to=%2Fabout%3Fa%3D1",
  ])("goes to %s", (path) => {
    expect(next(path)).toBe(path);
  });

  it.each([
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "https://evil.example/",
    "https:evil.example",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,x",
    " //evil.example",
    "evil.example",
    "/..//evil.example",
    "/./\\evil.example",
    "/sign-in?next=/sign-in",
    "http://[",
  ])("does not go to %s", (address) => {
    expect(next(address)).toBe("/");
  });
});

describe("isEditorPath", () => {
  it.each([
    "/",
    "/?q=1",
    "/scratch",
    "/settings",
    "/settings/users",
    "/projects/x/logs#1",
  ])("%s is a page of the editor", (path) =>
    expect(isEditorPath(path)).toBe(true),
  );
  it.each([
    "/api/v1/previews/x/open?to=/",
    "/healthz",
    "/projects",
    "/settingsx",
  ])("%s is not", (path) => expect(isEditorPath(path)).toBe(false));
});
