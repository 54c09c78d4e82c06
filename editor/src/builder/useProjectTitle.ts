import type { Project } from "../api/types";
import { useTitle } from "../app/title";
import { t } from "../strings";
import { useStore, type AppFeed, type Conversation } from "./context";

/** The browser's tab says which project it is and how it stands. */
export function useProjectTitle(
  project: Project,
  stores: { app: AppFeed; conversation: Conversation },
): void {
  const { running } = useStore(stores.conversation);
  const { status } = useStore(stores.app);
  const state = status ? (t.app[status.state] ?? status.state) : "";
  useTitle(
    t.builder.title(project.name, running ? t.builder.titleWorking : state),
  );
}
