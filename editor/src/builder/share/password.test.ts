import { expect, it } from "vitest";
import { makePassword } from "./password";

it("makes passwords that are long enough and differ", () => {
  const made = Array.from({ length: 200 }, makePassword);
  expect(new Set(made).size).toBe(made.length);
  for (const password of made) {
    expect(password).toMatch(/^(?:[a-km-np-z2-9]{4}-){3}[a-km-np-z2-9]{4}$/);
  }
  // Every character of the 32 turns up, none is cut off.
  expect(new Set(made.join("").replaceAll("-", "")).size).toBe(32);
});
