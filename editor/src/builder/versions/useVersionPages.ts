import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { getJson } from "../../api/http";
import { keys } from "../../api/queries";
import type { List, Version, VersionDiff } from "../../api/types";

/** The versions, newest first, a hundred at a time. */
export function useVersionPages(projectId: string) {
  return useInfiniteQuery({
    queryKey: [...keys.versions(projectId), "pages"],
    queryFn: ({ pageParam }) => {
      const query = new URLSearchParams({
        limit: "100",
        ...(pageParam && { cursor: pageParam }),
      });
      return getJson<List<Version>>(`/projects/${projectId}/versions?${query}`);
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
}

/** Every version: the older ones follow the newest hundred. */
export function useAllVersions(projectId: string) {
  const pages = useVersionPages(projectId);
  const { data, error, hasNextPage, isFetching, fetchNextPage } = pages;
  useEffect(() => {
    if (hasNextPage && !isFetching && !error) {
      void fetchNextPage();
    }
  }, [hasNextPage, isFetching, error, fetchNextPage]);
  const versions = useMemo(() => data?.pages.flatMap((p) => p.items), [data]);
  return { versions, error, isPending: pages.isPending };
}

/** What changed from one version to another. Neither ever changes, and so the answer does not. */
export function useVersionDiff(projectId: string, from: number, to: number) {
  return useQuery({
    queryKey: ["diff", projectId, from, to],
    queryFn: ({ signal }) =>
      getJson<VersionDiff>(
        `/projects/${projectId}/versions/${from}/diff/${to}`,
        { signal },
      ),
    staleTime: Infinity,
  });
}
