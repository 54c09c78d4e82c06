// What is done to a project from more than one page.

import type { QueryClient } from "@tanstack/react-query";
import { errorText } from "../api/errorText";
import { sendJson } from "../api/http";
import { keys } from "../api/queries";
import type { Project } from "../api/types";
import { t } from "../strings";
import { toast } from "../ui";

export const exportUrl = (id: string, format: "zip" | "tar.gz") =>
  `/api/v1/projects/${id}/export?format=${format}`;

/** The preview in a tab of its own: the server lets the owner's browser in. */
export const previewUrl = (project: Project) =>
  `/api/v1/previews/${project.slug}/open?to=/`;

export async function patchProject(
  client: QueryClient,
  id: string,
  fields: Partial<Pick<Project, "name" | "visibility">>,
): Promise<void> {
  const project = await sendJson<Project>("PATCH", `/projects/${id}`, fields);
  client.setQueryData(keys.project(id), project);
  await client.invalidateQueries({ queryKey: keys.projects });
}

export async function undeleteProject(
  client: QueryClient,
  project: Project,
): Promise<void> {
  await sendJson("POST", `/projects/${project.id}/undelete`);
  await client.invalidateQueries({ queryKey: keys.projects });
  toast({ text: t.home.restored(project.name), tone: "good" });
}

/** Deletes it, and offers to take that back; `onBack` when it was. */
export async function deleteProject(
  client: QueryClient,
  project: Project,
  onBack?: () => void,
): Promise<void> {
  await sendJson("DELETE", `/projects/${project.id}`);
  const undo = () =>
    undeleteProject(client, project).then(onBack, (error: unknown) =>
      toast({ text: errorText(error), tone: "bad" }),
    );
  toast({
    text: t.home.deleted(project.name),
    action: { text: t.common.undo, run: () => void undo() },
  });
  client.removeQueries({
    queryKey: keys.project(project.id),
    type: "inactive", // what is shown would be asked for again
  });
  void client.invalidateQueries({ queryKey: keys.projects });
}
