import { describe, expect, it, vi } from "vitest";
import { persist } from "./lazy";

describe("persist", () => {
  it("asks again for what was lost on the way", async () => {
    const load = vi
      .fn<() => Promise<string>>()
      .mockRejectedValueOnce(new TypeError("Failed to fetch"))
      .mockResolvedValue("there");
    await expect(persist(load, [0, 0])).resolves.toBe("there");
    expect(load).toHaveBeenCalledTimes(2);
  });

  it("gives up with the last reason", async () => {
    const load = vi.fn(() => Promise.reject(new Error("gone")));
    await expect(persist(load, [0, 0])).rejects.toThrow("gone");
    expect(load).toHaveBeenCalledTimes(3);
  });
});
