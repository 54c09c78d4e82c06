import { useEffect } from "react";
import { useLocation } from "wouter";
import { isProblem } from "../api/http";
import { useProject } from "../api/queries";
import { isTab, paths } from "../app/paths";
import NotFound from "../pages/NotFound";
import { Busy, ErrorNote } from "../ui";
import { BuilderView } from "./BuilderView";
import { rememberTab, tabOf } from "./tabMemory";

export default function BuilderPage({
  id,
  tab,
}: {
  id: string;
  tab: string | undefined;
}) {
  const project = useProject(id);
  const [, navigate] = useLocation();
  const shown = isTab(tab) ? tab : tabOf(id);
  const exists = project.data !== undefined;

  useEffect(() => {
    if (exists) {
      rememberTab(id, shown);
    }
  }, [exists, id, shown]);

  if (isProblem(project.error, 404)) {
    return <NotFound />;
  }
  if (!project.data) {
    return project.error ? (
      <main>
        <ErrorNote
          error={project.error}
          onRetry={() => void project.refetch()}
        />
      </main>
    ) : (
      <Busy />
    );
  }
  return (
    <BuilderView
      project={project.data}
      tab={shown}
      isTabGiven={isTab(tab)}
      onTab={(next) =>
        navigate(paths.project(id, next), {
          replace: true,
        })
      }
    />
  );
}
