import { FolderPlus, Search } from "lucide-react";
import { useDeferredValue, useState, type ReactNode } from "react";
import type { Project } from "../../api/types";
import { useDebounced } from "../../app/useDebounced";
import { t } from "../../strings";
import { Button, Empty, ErrorNote, Skeleton, TextField } from "../../ui";
import { DeletedProjects } from "./DeletedProjects";
import { ProjectCard } from "./ProjectCard";
import css from "./Projects.module.css";
import { RenameDialog } from "./RenameDialog";
import { useProjects } from "./useProjects";

const SEARCH_MS = 250;
const SKELETONS = ["a", "b", "c"];

function ProjectGrid({ projects }: { projects: Project[] }) {
  const [renamed, setRenamed] = useState<Project | null>(null);
  return (
    <>
      <ul className={css.grid}>
        {projects.map((project) => (
          <ProjectCard
            key={project.id}
            project={project}
            onRename={() => setRenamed(project)}
          />
        ))}
      </ul>
      {renamed && (
        <RenameDialog project={renamed} onClose={() => setRenamed(null)} />
      )}
    </>
  );
}

function NoProjects({
  q,
  onClear,
}: {
  q: string;
  onClear: () => void;
}): ReactNode {
  return q ? (
    <Empty
      icon={<Search aria-hidden="true" />}
      title={t.home.noMatch(q)}
      action={<Button onClick={onClear}>{t.home.clearSearch}</Button>}
    />
  ) : (
    <Empty icon={<FolderPlus aria-hidden="true" />} title={t.home.emptyTitle}>
      {t.home.emptyText}
    </Empty>
  );
}

function Loading() {
  return (
    <div className={css.grid}>
      {SKELETONS.map((key) => (
        <Skeleton key={key} className={css.skeleton} />
      ))}
    </div>
  );
}

export function Projects() {
  const [text, setText] = useState("");
  const q = useDebounced(text, SEARCH_MS).trim();
  const list = useProjects({ q, deleted: false });
  const projects = useDeferredValue(
    list.data?.pages.flatMap((page) => page.items),
  );
  const isFirstVisit = projects?.length === 0 && !q && !text;
  return (
    <section aria-labelledby="projects" className={css.section}>
      <div className={css.head}>
        <h2 id="projects">{t.home.projects}</h2>
        {!isFirstVisit && (
          <div className={css.search}>
            <TextField
              label={t.home.searchLabel}
              hideLabel
              type="search"
              placeholder={t.home.searchLabel}
              value={text}
              maxLength={100}
              onChange={(event) => setText(event.target.value)}
            />
          </div>
        )}
      </div>
      {list.error && (
        <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
      )}
      {list.isPending && <Loading />}
      {projects && projects.length > 0 && <ProjectGrid projects={projects} />}
      {projects?.length === 0 && (
        <NoProjects q={q} onClear={() => setText("")} />
      )}
      {list.hasNextPage && (
        <Button
          className={css.more}
          busy={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {t.home.showMore}
        </Button>
      )}
      <DeletedProjects />
    </section>
  );
}
