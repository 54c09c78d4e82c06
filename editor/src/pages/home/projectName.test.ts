import { describe, expect, it } from "vitest";
import { projectName } from "./projectName";

describe("projectName", () => {
  it.each([
    ["Create a simple express server", "Simple express server"],
    [
      "Please build me a to-do list in React: add, tick off",
      "To-do list in React",
    ],
    [
      "Can you please make the landing page for my bakery?",
      "Landing page for my bakery",
    ],
    [
      "I want to create an app that tracks the books I have read this year",
      "App that tracks the books I",
    ],
    [
      "a booking page for my yoga studio, with a calendar",
      "Booking page for my yoga studio",
    ],
    ["# Timer\nwith a sound", "Timer with a sound"],
    ["chat", "Chat"],
    ["Build", "Build"],
    ["node.js 2.0 server", "Node.js 2.0 server"],
    ["Eine Seite für mein Café", "Eine Seite für mein Café"],
    ["猫の写真アプリ", "猫の写真アプリ"],
  ])("%j is %j", (prompt, name) => {
    expect(projectName(prompt)).toBe(name);
  });

  it("is null without words", () => {
    expect(projectName("  \n ")).toBeNull();
    expect(projectName("?!")).toBeNull();
  });

  it("keeps within the limit of the API, whatever comes", () => {
    for (const prompt of [
      "x".repeat(5000),
      "👩‍🚀".repeat(500),
      "word ".repeat(500),
    ]) {
      const name = projectName(prompt)!;
      expect([...name].length).toBeLessThanOrEqual(100);
      expect(() => encodeURIComponent(name)).not.toThrow(); // no half characters
    }
  });

  it("has no control characters", () => {
    expect(projectName("a\u0000b\u202Ec d")).toBe("B c d");
  });
});
