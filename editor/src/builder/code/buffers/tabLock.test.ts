import { afterEach, expect, it, vi } from "vitest";
import { LockedTabs } from "./tabLock";

/** The browser's locks, as far as tabs use them. */
class FakeLocks {
  readonly #held = new Set<string>();

  request(name: string, ...rest: unknown[]): Promise<unknown> {
    const callback = rest.at(-1) as () => unknown;
    if (this.#held.has(name)) {
      return Promise.reject(new DOMException("too long", "TimeoutError"));
    }
    this.#held.add(name);
    return Promise.resolve(callback()).finally(() => this.#held.delete(name));
  }
}

afterEach(() => {
  vi.unstubAllGlobals();
});

it("knows other tabs that are open, and no more than those", async () => {
  vi.stubGlobal("navigator", { locks: new FakeLocks() });
  const [one, two] = [new LockedTabs(), new LockedTabs()];
  expect(one.id).not.toBe(two.id);
  expect(await one.isOtherOpen(two.id)).toBe(true);
  expect(await one.isOtherOpen(one.id)).toBe(false);
  expect(await one.isOtherOpen("of yesterday")).toBe(false);
  expect(await one.isOtherOpen("of yesterday")).toBe(false);
});

it("knows of no other tab where the browser has no locks", async () => {
  vi.stubGlobal("navigator", {});
  expect(await new LockedTabs().isOtherOpen("another")).toBe(false);
});
