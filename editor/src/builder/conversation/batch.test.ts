import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Batch } from "./batch";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("takes what comes within a frame together, in order", () => {
  const taken: number[][] = [];
  const batch = new Batch<number>((items) => taken.push(items));
  for (let n = 0; n < 2000; n++) {
    batch.push(n);
  }
  expect(taken).toHaveLength(0);
  vi.advanceTimersByTime(20);
  expect(taken).toHaveLength(1);
  expect(taken[0]).toHaveLength(2000);
  batch.push(2000);
  vi.advanceTimersByTime(20);
  expect(taken[1]).toEqual([2000]);
});

it("goes on without frames, as in a hidden page", () => {
  vi.stubGlobal("requestAnimationFrame", () => 1);
  const taken: number[][] = [];
  const batch = new Batch<number>((items) => taken.push(items));
  batch.push(1);
  batch.push(2);
  vi.advanceTimersByTime(300);
  expect(taken).toEqual([[1, 2]]);
  vi.unstubAllGlobals();
});

it("can be told to take at once, and then takes nothing twice", () => {
  const taken: number[][] = [];
  const batch = new Batch<number>((items) => taken.push(items));
  batch.push(1);
  batch.flush();
  batch.flush();
  vi.advanceTimersByTime(300);
  expect(taken).toEqual([[1]]);
});
