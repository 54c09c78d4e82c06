import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { keys } from "../../api/queries";
import { t } from "../../strings";
import { Toasts, TooltipProvider } from "../../ui";
import { BuilderContext, type Conversation, type Turn } from "../context";
import { createAppFeed } from "../appFeed";
import { Draft } from "../conversation/draft";
import { NOTHING } from "../conversation/entry";
import { askedTurn } from "../conversation/progress";
import { createPageLog } from "../preview/pageLog";
import { Value } from "../store";
import { Chat } from "./Chat";

const stopped = (more: Partial<Turn>): Turn => ({
  ...askedTurn("g1", { prompt: "a clock", mode: "build" }, 0),
  state: "cancelled",
  ...more,
});

/** The chat of a project with these turns; what is asked goes nowhere. */
function openChat(turns: Turn[], running: Turn | null = null) {
  const client = new QueryClient({
    defaultOptions: { queries: { staleTime: Infinity } },
  });
  client.setQueryData(keys.models, { items: [], next: null });
  client.setQueryData(keys.project("p"), { id: "p", version: 1 });
  const state = { ...NOTHING, loading: false, turns, running };
  const conversation: Conversation = Object.assign(new Value(state), {
    ask: vi.fn(),
    cancel: vi.fn(),
    loadOlder: vi.fn(),
    reload: vi.fn(),
    dropUnsent: vi.fn(),
    draft: new Draft("p"),
  });
  render(
    <QueryClientProvider client={client}>
      <TooltipProvider>
        <BuilderContext
          value={{
            projectId: "p",
            tab: "preview",
            show: vi.fn(),
            openFile: vi.fn(),
            fileRequest: new Value(null),
            conversation,
            app: createAppFeed("p", client),
            pageLog: createPageLog(),
          }}
        >
          <Chat />
          <Toasts />
        </BuilderContext>
      </TooltipProvider>
    </QueryClientProvider>,
  );
  return conversation;
}

const again = () => screen.getByRole("button", { name: "Try again" });
const box = () => screen.getByRole("textbox", { name: "Your message" });

beforeEach(() => {
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
});
afterEach(() => void vi.unstubAllGlobals());

describe('"Try again"', () => {
  it("puts the prompt before what is in the box, once", async () => {
    openChat([stopped({})]);
    await userEvent.type(box(), "and a calendar");
    await userEvent.click(again());
    await userEvent.click(again());
    expect(box()).toHaveProperty("value", "a clock\n\nand a calendar");
  });

  it.each([
    { mode: "fix", prompt: "" },
    { mode: "explain", prompt: "why?" },
  ] as const)("sends a $mode as one, and leaves the box", async (ask) => {
    const conversation = openChat([stopped(ask)]);
    await userEvent.type(box(), "a calendar");
    await userEvent.click(again());
    expect(conversation.ask).toHaveBeenCalledExactlyOnceWith(ask);
    expect(box()).toHaveProperty("value", "a calendar");
  });

  it("waits with what is sent at once while another turn runs", () => {
    const running = askedTurn("g2", { prompt: "more", mode: "build" }, 0);
    openChat([stopped({ mode: "fix" }), running], running);
    expect(again()).toHaveProperty("disabled", true);
  });
});

describe("a suggestion", () => {
  const [first, second] = t.chat.suggestionsReady;

  it("takes the place of another one", async () => {
    openChat([]);
    await userEvent.click(screen.getByRole("button", { name: first }));
    await userEvent.click(screen.getByRole("button", { name: second }));
    expect(box()).toHaveProperty("value", second);
    expect(screen.queryByRole("button", { name: "Undo" })).toBeNull();
  });

  it("gives back what was typed, when asked to", async () => {
    openChat([]);
    await userEvent.type(box(), "a calendar");
    await userEvent.click(screen.getByRole("button", { name: first }));
    expect(box()).toHaveProperty("value", first);
    await userEvent.click(screen.getByRole("button", { name: "Undo" }));
    expect(box()).toHaveProperty("value", "a calendar");
  });
});
