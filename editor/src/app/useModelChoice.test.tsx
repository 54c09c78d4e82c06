import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { describe, expect, it } from "vitest";
import { keys } from "../api/queries";
import type { Model } from "../api/types";
import { useModelChoice } from "./useModelChoice";

const OFFERED: Model[] = [
  { id: "first", provider: "openai", default: true },
  { id: "second", provider: "openai", default: false },
];

function choiceAmong(items: Model[]) {
  const client = new QueryClient({
    defaultOptions: { queries: { staleTime: Infinity } },
  });
  client.setQueryData(keys.models, { items, next: null });
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  return renderHook(() => useModelChoice(), { wrapper }).result;
}

describe("the choice of a model", () => {
  it("is left to the server until somebody chooses", () => {
    expect(choiceAmong(OFFERED).current.model).toBeUndefined();
  });

  it("is the same on every page", () => {
    const home = choiceAmong(OFFERED);
    act(() => home.current.choose("second"));
    expect(home.current.model).toBe("second");
    expect(choiceAmong(OFFERED).current.model).toBe("second");
  });

  it("is not kept to when it is not on offer any more", () => {
    const before = choiceAmong(OFFERED);
    act(() => before.current.choose("second"));
    expect(choiceAmong(OFFERED.slice(0, 1)).current.model).toBeUndefined();
  });
});
