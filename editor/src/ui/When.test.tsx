import { act, render } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { When } from "./When";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("goes on with the time, all of them by one timer", () => {
  const time = new Date().toISOString();
  const { container, unmount } = render(
    <>
      <When time={time} />
      <When time={time} />
    </>,
  );
  const texts = () =>
    [...container.querySelectorAll("time")].map((e) => e.textContent);
  expect(texts()).toEqual(["now", "now"]);
  expect(vi.getTimerCount()).toBe(1);
  act(() => void vi.advanceTimersByTime(2 * 60_000));
  expect(texts()).toEqual(["2 minutes ago", "2 minutes ago"]);
  unmount();
  expect(vi.getTimerCount()).toBe(0);
});
