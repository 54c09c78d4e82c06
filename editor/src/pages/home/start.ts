// From the home page into a new project.

import { sendJson } from "../../api/http";
import type { Project, Template } from "../../api/types";
import { setPendingAsk } from "../../builder/conversation/pending";
import { projectName } from "./projectName";

export const PROMPT_MAX_BYTES = 32 * 1024;

export const promptFits = (prompt: string) =>
  new TextEncoder().encode(prompt).length <= PROMPT_MAX_BYTES;

/** The prompt is handed over to the project's conversation, which asks it. */
export async function startWithPrompt(
  prompt: string,
  model: string | undefined,
): Promise<Project> {
  const project = await sendJson<Project>("POST", "/projects", {
    name: projectName(prompt),
  });
  setPendingAsk(project.id, { prompt, mode: "build", model });
  return project;
}

export async function startWithTemplate(template: Template): Promise<Project> {
  const project = await sendJson<Project>("POST", "/projects", {
    name: template.name,
    template: template.id,
  });
  // When it cannot start now, the builder says why and offers to try again.
  await sendJson("POST", `/projects/${project.id}/start`).catch(() => {});
  return project;
}
