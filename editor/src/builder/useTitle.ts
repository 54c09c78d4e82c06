import { useEffect } from "react";
import type { Project } from "../api/types";
import { t } from "../strings";
import { useStore, type AppFeed, type Conversation } from "./context";

/** The browser tab says which project it is and how it stands. */
export function useTitle(
  project: Project,
  stores: { app: AppFeed; conversation: Conversation },
): void {
  const { running } = useStore(stores.conversation);
  const { status } = useStore(stores.app);
  const state = running
    ? t.builder.titleWorking
    : (t.app[status?.state ?? "stopped"] ?? "");
  const title = t.builder.title(project.name, status || running ? state : "");
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(
    () => () => {
      document.title = t.common.appName;
    },
    [],
  );
}
