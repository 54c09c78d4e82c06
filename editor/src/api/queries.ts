// What is read from the API through the cache, and the keys it is kept under.

import { QueryClient, useQuery } from "@tanstack/react-query";
import { getJson, isProblem } from "./http";
import type {
  AppStatus,
  FileList,
  List,
  Model,
  Project,
  Template,
  User,
} from "./types";

export const keys = {
  me: ["me"] as const,
  models: ["models"] as const,
  templates: ["templates"] as const,
  users: ["users"] as const,
  apiKeys: ["api-keys"] as const,
  projects: ["projects"] as const,
  /** Everything of one project is beneath this. */
  project: (id: string) => ["project", id] as const,
  files: (id: string) => ["project", id, "files"] as const,
  versions: (id: string) => ["project", id, "versions"] as const,
  shares: (id: string) => ["project", id, "shares"] as const,
  status: (id: string) => ["project", id, "status"] as const,
};

const RETRIES = 3;

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (count, error) =>
          count < RETRIES && isProblem(error) && error.isTransient,
        retryDelay: (count, error) =>
          isProblem(error) && error.retryAfterS
            ? error.retryAfterS * 1000
            : 500 * 2 ** count,
      },
    },
  });
}

export const useMe = () =>
  useQuery({
    queryKey: keys.me,
    queryFn: () => getJson<User>("/me"),
    staleTime: 60_000,
  });

export const useModels = () =>
  useQuery({
    queryKey: keys.models,
    queryFn: () => getJson<List<Model>>("/models"),
    staleTime: 60_000,
  });

export const useTemplates = () =>
  useQuery({
    queryKey: keys.templates,
    queryFn: () => getJson<List<Template>>("/templates"),
    staleTime: 600_000,
  });

export const useProject = (id: string) =>
  useQuery({
    queryKey: keys.project(id),
    queryFn: () => getJson<Project>(`/projects/${id}`),
  });

/** The newest version's files. */
export const useFiles = (id: string) =>
  useQuery({
    queryKey: keys.files(id),
    queryFn: () => getJson<FileList>(`/projects/${id}/files`),
  });

export const getStatus = (id: string) =>
  getJson<AppStatus>(`/projects/${id}/status`);

/** A project's files changed: whatever shows them asks again. */
export function filesChanged(client: QueryClient, id: string): void {
  void client.invalidateQueries({ queryKey: keys.project(id) });
  void client.invalidateQueries({ queryKey: keys.projects });
}
