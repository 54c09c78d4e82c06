import { describe, expect, it } from "vitest";
import {
  closeTab,
  closeWithin,
  isTabs,
  moveTabs,
  NO_TABS,
  openTab,
  rememberedTabs,
} from "./tabs";

const opened = (...paths: string[]) => paths.reduce(openTab, NO_TABS);

describe("tabs", () => {
  it("opens beside the one that is shown, once", () => {
    const tabs = openTab(opened("a", "b", "c"), "a");
    expect(tabs.open).toEqual(["a", "b", "c"]);
    expect(openTab(tabs, "d").open).toEqual(["a", "d", "b", "c"]);
  });
  it("goes back to what was shown before", () => {
    const tabs = openTab(opened("a", "b", "c"), "a");
    expect(closeTab(tabs, "a").active).toBe("c");
    expect(closeTab(tabs, "b").active).toBe("a");
    expect(closeTab(opened("a"), "a")).toMatchObject({
      open: [],
      active: null,
    });
  });
  it("follows what is moved and closes what is deleted", () => {
    const tabs = opened("src/a", "src/b", "x");
    expect(moveTabs(tabs, "src", "lib").open).toEqual(["lib/a", "lib/b", "x"]);
    expect(moveTabs(tabs, "x", "y").active).toBe("y");
    expect(closeWithin(tabs, "src").open).toEqual(["x"]);
  });
  it("believes only what it wrote itself", () => {
    expect(isTabs(JSON.parse(JSON.stringify(opened("a"))))).toBe(true);
    for (const other of [
      null,
      [],
      { open: ["a"] },
      { open: ["a"], active: "b", recent: [] },
      { open: [1], active: null, recent: [] },
    ]) {
      expect(isTabs(other)).toBe(false);
    }
  });
  it("remembers a bounded number, the one that is shown among them", () => {
    const many = opened(...Array.from({ length: 40 }, (_, i) => `f${i}`));
    const first = { ...many, active: "f0" };
    expect(rememberedTabs(first).open).toHaveLength(30);
    expect(isTabs(rememberedTabs(first))).toBe(true);
  });
});
