import { useInfiniteQuery } from "@tanstack/react-query";
import { getJson } from "../../api/http";
import type { List } from "../../api/types";

/** A paged list of the API, page after page. */
export const usePaged = <T>(key: readonly string[], path: string) =>
  useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) =>
      getJson<List<T>>(
        pageParam ? `${path}?cursor=${encodeURIComponent(pageParam)}` : path,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
