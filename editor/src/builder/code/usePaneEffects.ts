// What the code pane does beside being seen: it follows the server, keeps what is unsaved, and has keys.

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent } from "react";
import { filesChanged, keys } from "../../api/queries";
import type { FileList } from "../../api/types";
import { useStore, type Builder } from "../context";
import type { CodeSession } from "./session";
import { useTurnVersion } from "./useWriting";

/** Buffers follow the list of files, and the list the newest version that anybody has heard of. */
export function useFollow(
  session: CodeSession,
  builder: Builder,
  list: FileList | undefined,
): void {
  const client = useQueryClient();
  const { projectId } = session;
  const { status } = useStore(builder.app);
  const turnVersion = useTurnVersion(builder.conversation);
  const newest = Math.max(status?.version ?? 0, turnVersion);
  const known = list?.version ?? 0;

  useEffect(() => {
    session.setOnSaved(() => filesChanged(client, projectId));
  }, [session, client, projectId]);

  useEffect(() => {
    if (list) {
      session.buffers.filesListed(list);
    }
  }, [session, list]);

  useEffect(() => {
    if (newest > known) {
      void client.invalidateQueries({ queryKey: keys.files(projectId) });
    }
  }, [client, projectId, newest, known]);
}

/** Nothing unsaved is lost with the page. */
export function useKeeping(session: CodeSession): void {
  useEffect(() => {
    const { buffers } = session;
    const keep = () => void buffers.flush();
    const beforeLeaving = (event: BeforeUnloadEvent) => {
      if (buffers.hasUnkept()) {
        event.preventDefault();
        keep();
      }
    };
    const retry = () => buffers.retryNow();
    window.addEventListener("beforeunload", beforeLeaving);
    window.addEventListener("online", retry);
    document.addEventListener("visibilitychange", keep);
    return () => {
      window.removeEventListener("beforeunload", beforeLeaving);
      window.removeEventListener("online", retry);
      document.removeEventListener("visibilitychange", keep);
    };
  }, [session]);
}

export interface PaneKeys {
  save: () => void;
  saveAll: () => void;
  quickOpen: () => void;
  search: () => void;
  format: () => void;
}

/** Keys hold wherever the focus is while the pane is shown. */
export function usePaneKeys(isShown: boolean, keysOf: PaneKeys): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    const key = event.key.toLowerCase();
    const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey;
    const action =
      (isCommand &&
        {
          s: event.shiftKey ? keysOf.saveAll : keysOf.save,
          p: event.shiftKey ? undefined : keysOf.quickOpen,
          f: event.shiftKey ? keysOf.search : undefined,
        }[key]) ||
      (event.code === "KeyF" && event.shiftKey && event.altKey
        ? keysOf.format
        : undefined);
    if (action) {
      event.preventDefault();
      event.stopPropagation();
      action();
    }
  });
  useEffect(() => {
    if (!isShown) {
      return;
    }
    const listener = (event: KeyboardEvent) => onKey(event);
    window.addEventListener("keydown", listener, { capture: true });
    return () =>
      window.removeEventListener("keydown", listener, { capture: true });
  }, [isShown]);
}
