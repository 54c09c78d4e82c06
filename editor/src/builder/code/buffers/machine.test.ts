import { describe, expect, it } from "vitest";
import { hasText, isUnsaved, nextState, TRANSITIONS } from "./machine";

describe("the table of buffers", () => {
  const states = Object.keys(TRANSITIONS) as (keyof typeof TRANSITIONS)[];

  it("loses no edits: out of unsaved text leads only saving, undoing or a choice", () => {
    const allowed = ["saved", "reverted", "theirsSame", "takeTheirs"];
    for (const state of states.filter(isUnsaved)) {
      for (const [event, to] of Object.entries(TRANSITIONS[state])) {
        if (!isUnsaved(to)) {
          expect(allowed, `${state} --${event}--> ${to}`).toContain(event);
        }
      }
    }
  });

  it("never saves over what it has not seen", () => {
    for (const state of ["conflict", "offered", "loading", "clean"] as const) {
      expect(nextState(state, "save")).toBeNull();
    }
  });

  it("never goes from text to none", () => {
    for (const state of states.filter(hasText)) {
      for (const to of Object.values(TRANSITIONS[state])) {
        expect(hasText(to)).toBe(true);
      }
    }
  });

  it("can leave every state", () => {
    for (const state of states) {
      expect(Object.values(TRANSITIONS[state]).some((to) => to !== state)).toBe(
        true,
      );
    }
  });
});
