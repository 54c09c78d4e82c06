import { describe, expect, it } from "vitest";
import type { Share } from "../../api/types";
import { expiryFields, localDate, shareState } from "./expiry";

const NOW = Date.parse("2026-03-10T12:00:00Z");

describe("expiryFields", () => {
  it("sends a preset as seconds", () => {
    expect(expiryFields("86400", "", NOW)).toEqual({ expires_in_s: 86_400 });
  });

  it("takes an expiry away, or leaves it", () => {
    expect(expiryFields("never", "", NOW)).toEqual({ expires_at: null });
    expect(expiryFields("keep", "", NOW)).toEqual({});
  });

  it("takes a date of this place", () => {
    const fields = expiryFields("custom", localDate(NOW + 3_600_000), NOW);
    expect(fields).toEqual({ expires_at: "2026-03-10T13:00:00.000Z" });
  });

  it.each([
    "",
    "yesterday",
    localDate(NOW),
    localDate(NOW - 60_000),
    "2040-01-01T00:00",
  ])("refuses %j", (date) =>
    expect(expiryFields("custom", date, NOW)).toBeNull(),
  );
});

describe("shareState", () => {
  const share: Share = {
    id: "1",
    name: "",
    url: "http://x/",
    expires_at: null,
    has_password: false,
    opens: 0,
    last_opened_at: null,
    created_at: "2026-03-01T00:00:00Z",
    revoked_at: null,
  };
  it.each([
    [{}, "live"],
    [{ expires_at: "2026-03-10T12:00:01Z" }, "live"],
    [{ expires_at: "2026-03-10T12:00:00Z" }, "expired"],
    [
      {
        revoked_at: "2026-03-10T11:00:00Z",
        expires_at: "2026-03-09T00:00:00Z",
      },
      "revoked",
    ],
  ])("%j is %s", (fields, state) => {
    expect(shareState({ ...share, ...fields }, NOW)).toBe(state);
  });
});
