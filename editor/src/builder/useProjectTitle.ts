import type { Project } from "../api/types";
import { useTitle } from "../app/title";
import { t } from "../strings";
import { useSelected, type AppFeed, type Conversation } from "./context";

/** The browser's tab says which project it is and how it stands. */
export function useProjectTitle(
  project: Project,
  stores: { app: AppFeed; conversation: Conversation },
): void {
  const isWorking = useSelected(stores.conversation, (s) => s.running !== null);
  const status = useSelected(stores.app, (s) => s.status);
  const state = status ? (t.app[status.state] ?? status.state) : "";
  useTitle(
    t.builder.title(project.name, isWorking ? t.builder.titleWorking : state),
  );
}
