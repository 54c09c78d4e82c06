import type { QueryClient } from "@tanstack/react-query";
import type { Conversation, ConversationState } from "../context";
import { Value } from "../store";

export function createConversation(
  projectId: string,
  client: QueryClient,
): Conversation & { connect(): () => void } {
  const state = new Value<ConversationState>({
    turns: [],
    running: null,
    loading: false,
    loadError: null,
    hasOlder: false,
    cancelling: false,
    unsent: null,
  });
  return Object.assign(state, {
    ask() {},
    cancel: () => Promise.resolve(),
    loadOlder() {},
    reload() {},
    dropUnsent() {},
    connect: () => () => {},
  });
}
