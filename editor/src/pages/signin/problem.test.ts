import { describe, expect, it } from "vitest";
import { Problem } from "../../api/http";
import { signInProblem } from "./problem";

const problem = (status: number, detail = "", retryAfterS?: number) =>
  new Problem(
    { type: "/problems/x", title: "No", status, detail },
    retryAfterS,
  );

describe("signInProblem", () => {
  it("says the same for a wrong email and a wrong password", () => {
    expect(signInProblem(problem(401, "no"), 0).text).toBe(
      "Email or password is wrong.",
    );
  });

  it("knows until when an account is locked", () => {
    const { text, lockedUntil } = signInProblem(problem(429, "", 28), 1000);
    expect(text).toContain("28 seconds");
    expect(lockedUntil).toBe(29_000);
  });

  it("waits half a minute when the server does not say how long", () => {
    expect(signInProblem(problem(429), 0).lockedUntil).toBe(30_000);
  });

  it("tells a lost connection from a refusal", () => {
    expect(signInProblem(problem(0), 0).text).toContain("cannot be reached");
  });

  it("passes on what the server says", () => {
    expect(signInProblem(problem(503, "the database is down"), 0).text).toBe(
      "The database is down",
    );
  });
});
