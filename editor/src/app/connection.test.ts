import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Connection } from "./connection";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function connectionTo(answers: boolean[]) {
  const probe = vi.fn(() => Promise.resolve(answers.shift() ?? true));
  return { probe, connection: new Connection(probe, true) };
}

const settled = () => vi.advanceTimersByTimeAsync(0);

describe("Connection", () => {
  it("takes one lost request for just that when the server answers", async () => {
    const { connection, probe } = connectionTo([true]);
    connection.missed();
    await settled();
    expect(connection.getSnapshot()).toBe("reached");
    expect(probe).toHaveBeenCalledTimes(1);
  });

  it("asks until the server is back, less and less often", async () => {
    const { connection, probe } = connectionTo([false, false, false, true]);
    const seen: string[] = [];
    connection.subscribe(() => seen.push(connection.getSnapshot()));
    connection.missed();
    await settled();
    expect(connection.getSnapshot()).toBe("unreachable");
    await vi.advanceTimersByTimeAsync(1000);
    expect(probe).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1999);
    expect(probe).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(probe).toHaveBeenCalledTimes(3);
    await vi.advanceTimersByTimeAsync(4000);
    expect(seen).toEqual(["unreachable", "back"]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(seen).toEqual(["unreachable", "back", "reached"]);
    expect(probe).toHaveBeenCalledTimes(4);
  });

  it("does not ask while more requests fail", async () => {
    const { connection, probe } = connectionTo([false]);
    connection.missed();
    connection.missed();
    await settled();
    connection.missed();
    expect(probe).toHaveBeenCalledTimes(1);
  });

  it("tries at once when asked to", async () => {
    const { connection } = connectionTo([false, false, false, true]);
    connection.missed();
    await vi.advanceTimersByTimeAsync(3000);
    connection.retry();
    await settled();
    expect(connection.isReached).toBe(true);
  });

  it("does not ask without a network, and asks when there is one again", async () => {
    const { connection, probe } = connectionTo([true]);
    connection.offline();
    expect(connection.getSnapshot()).toBe("offline");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(probe).not.toHaveBeenCalled();
    connection.retry();
    await settled();
    expect(connection.getSnapshot()).toBe("back");
  });
});
