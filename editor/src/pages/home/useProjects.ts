import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { getJson } from "../../api/http";
import { keys } from "../../api/queries";
import type { List, Project } from "../../api/types";

const PAGE = 24;
const STARTING_POLL_MS = 3000;

export interface ProjectFilter {
  q: string;
  deleted: boolean;
}

export function projectsPath(
  { q, deleted }: ProjectFilter,
  cursor: string | null,
): string {
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (q.trim()) {
    query.set("q", q.trim());
  }
  if (deleted) {
    query.set("deleted", "true");
  }
  if (cursor) {
    query.set("cursor", cursor);
  }
  return `/projects?${query.toString()}`;
}

export const useProjects = (filter: ProjectFilter) =>
  useInfiniteQuery({
    queryKey: [...keys.projects, filter],
    queryFn: ({ pageParam, signal }) =>
      getJson<List<Project>>(projectsPath(filter, pageParam), { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    refetchOnMount: "always", // it has changed: one comes back from a project
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) =>
        page.items.some((project) => project.status === "starting"),
      )
        ? STARTING_POLL_MS
        : false,
  });
