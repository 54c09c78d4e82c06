import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ChevronDown, ChevronRight } from "lucide-react";
import { useState } from "react";
import { errorText } from "../../api/errorText";
import type { Project } from "../../api/types";
import { undeleteProject } from "../../app/projectActions";
import { t } from "../../strings";
import { Button, Busy, ErrorNote, toast, When } from "../../ui";
import css from "./Projects.module.css";
import { useProjects } from "./useProjects";

function DeletedRow({ project }: { project: Project }) {
  const client = useQueryClient();
  const restore = useMutation({
    mutationFn: () => undeleteProject(client, project),
    onError: (error) => toast({ text: errorText(error), tone: "bad" }),
  });
  return (
    <li className={css.deletedRow}>
      <span className={css.deletedName}>{project.name}</span>
      <span className={css.when}>
        {t.home.deletedAt}{" "}
        <When time={project.deleted_at ?? project.updated_at} />
      </span>
      <Button
        size="small"
        busy={restore.isPending}
        aria-label={`${t.home.restore}: ${project.name}`}
        onClick={() => restore.mutate()}
      >
        {t.home.restore}
      </Button>
    </li>
  );
}

function DeletedList() {
  const list = useProjects({ q: "", deleted: true });
  const projects = list.data?.pages.flatMap((page) => page.items) ?? [];
  if (list.isPending) {
    return <Busy />;
  }
  if (list.error) {
    return <ErrorNote error={list.error} onRetry={() => void list.refetch()} />;
  }
  return (
    <>
      <p className={css.deletedText}>
        {projects.length > 0
          ? t.home.recentlyDeletedText
          : t.home.nothingDeleted}
      </p>
      <ul className={css.deletedList}>
        {projects.map((project) => (
          <DeletedRow key={project.id} project={project} />
        ))}
      </ul>
      {list.hasNextPage && (
        <Button
          className={css.more}
          busy={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {t.home.showMore}
        </Button>
      )}
    </>
  );
}

export function DeletedProjects() {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <div className={css.deleted}>
      <Button
        tone="ghost"
        size="small"
        aria-expanded={isOpen}
        onClick={() => setIsOpen(!isOpen)}
      >
        {isOpen ? <ChevronDown /> : <ChevronRight />}
        {t.home.recentlyDeleted}
      </Button>
      {isOpen && <DeletedList />}
    </div>
  );
}
