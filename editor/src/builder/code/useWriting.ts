import { useMemo } from "react";
import {
  useSelected,
  type Conversation,
  type ConversationState,
  type TurnFile,
} from "../context";

/** What the running turn has made of a file and not yet stored. */
function writtenFile(
  { running }: ConversationState,
  path: string,
): TurnFile | undefined {
  return running && running.version === null
    ? running.files.find((file) => file.path === path)
    : undefined;
}

/** The text of a file as the model writes it; null: it does not. */
export const useWrittenText = (
  conversation: Conversation,
  path: string,
): string | null =>
  useSelected(conversation, (state) => {
    const file = writtenFile(state, path);
    return file && ["writing", "written"].includes(file.state)
      ? file.text
      : null;
  });

/** The files the model writes right now. Words that stream in render nothing here. */
export function useWritingPaths(
  conversation: Conversation,
): ReadonlySet<string> {
  const joined = useSelected(conversation, ({ running }) => {
    const files = running?.version === null ? running.files : [];
    return files
      .filter((file) => file.state === "writing")
      .map((file) => file.path)
      .join("\n");
  });
  return useMemo(() => new Set(joined ? joined.split("\n") : []), [joined]);
}

/** The version that the last turn made, 0: none. */
export const useTurnVersion = (conversation: Conversation): number =>
  useSelected(conversation, ({ turns }) => turns.at(-1)?.version ?? 0);
