import {
  useInfiniteQuery,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { getJson, sendJson } from "../../api/http";
import { keys } from "../../api/queries";
import type { List, Share } from "../../api/types";
import type { ExpiryFields } from "./expiry";

export type ShareFields = ExpiryFields & {
  name?: string | null;
  password?: string | null;
};

const path = (projectId: string, id?: string) =>
  `/projects/${projectId}/shares${id ? `/${id}` : ""}`;

export const useShares = (projectId: string) =>
  useInfiniteQuery({
    queryKey: keys.shares(projectId),
    queryFn: ({ pageParam }) =>
      getJson<List<Share>>(
        `${path(projectId)}?limit=100${pageParam ? `&cursor=${encodeURIComponent(pageParam)}` : ""}`,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });

function useRefresh(projectId: string): () => Promise<void> {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: keys.shares(projectId) });
}

export function useCreateShare(projectId: string) {
  const refresh = useRefresh(projectId);
  return useMutation({
    mutationFn: (fields: ShareFields) =>
      sendJson<Share>("POST", path(projectId), fields),
    onSuccess: refresh,
  });
}

export function useChangeShare(projectId: string) {
  const refresh = useRefresh(projectId);
  return useMutation({
    mutationFn: ({ id, ...fields }: ShareFields & { id: string }) =>
      sendJson<Share>("PATCH", path(projectId, id), fields),
    onSuccess: refresh,
  });
}

export function useRevokeShare(projectId: string) {
  const refresh = useRefresh(projectId);
  return useMutation({
    mutationFn: (id: string) => sendJson("DELETE", path(projectId, id)),
    onSuccess: refresh,
  });
}
