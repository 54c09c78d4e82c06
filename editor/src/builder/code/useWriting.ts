import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { Conversation, TurnFile } from "../context";

/** What the running turn has made of a file and not yet stored. */
function writtenFile(
  conversation: Conversation,
  path: string,
): TurnFile | undefined {
  const { running } = conversation.getSnapshot();
  return running && running.version === null
    ? running.files.find((file) => file.path === path)
    : undefined;
}

function useSelected<T extends string | number | null>(
  conversation: Conversation,
  select: (conversation: Conversation) => T,
): T {
  const subscribe = useCallback(
    (listener: () => void) => conversation.subscribe(listener),
    [conversation],
  );
  return useSyncExternalStore(subscribe, () => select(conversation));
}

/** The text of a file as the model writes it; null: it does not. */
export const useWrittenText = (
  conversation: Conversation,
  path: string,
): string | null =>
  useSelected(conversation, (c) => {
    const file = writtenFile(c, path);
    return file && ["writing", "written"].includes(file.state)
      ? file.text
      : null;
  });

/** The files the model writes right now. Words that stream in render nothing here. */
export function useWritingPaths(
  conversation: Conversation,
): ReadonlySet<string> {
  const joined = useSelected(conversation, (c) => {
    const { running } = c.getSnapshot();
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
  useSelected(conversation, (c) => c.getSnapshot().turns.at(-1)?.version ?? 0);
