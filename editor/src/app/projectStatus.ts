import type { Project } from "../api/types";
import type { Tone } from "../ui";

/** How a project's status is coloured. */
export const STATUS_TONES: Record<Project["status"], Tone> = {
  stopped: "neutral",
  starting: "busy",
  running: "good",
  failed: "bad",
};
