// The public API's objects, as docs/API.md has them.

export type Time = string; // RFC 3339, UTC

export interface List<T> {
  items: T[];
  next: string | null;
}

export interface User {
  id: string;
  email: string;
  role: "owner" | "member";
  created_at: Time;
}

export interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  created_at: Time;
  last_used_at: Time | null;
}

export interface NewApiKey extends Omit<ApiKey, "last_used_at"> {
  key: string;
}

export interface Template {
  id: string;
  name: string;
  description: string;
  tags: string[];
  files: number;
}

export interface Model {
  id: string;
  provider: string;
  default: boolean;
}

export type Visibility = "private" | "public";

export interface Project {
  id: string;
  slug: string;
  name: string;
  template: string | null;
  visibility: Visibility;
  status: "stopped" | "starting" | "running" | "failed";
  preview_url: string;
  version: number; // the newest, 0: none
  created_at: Time;
  updated_at: Time;
  deleted_at: Time | null;
}

export interface FileEntry {
  path: string;
  size: number;
  mode: string;
  etag: string;
}

export interface FileList {
  version: number;
  items: FileEntry[];
  next: null;
}

export type Change =
  | { op: "write"; path: string; content: string }
  | { op: "move"; path: string; to: string }
  | { op: "delete"; path: string };

export interface Changed {
  version: number;
  parent: number | null;
  files: FileEntry[];
}

export interface SearchHit {
  path: string;
  line: number;
  column: number;
  text: string;
}

export interface SearchResult {
  version: number;
  items: SearchHit[];
  truncated: boolean;
  next: null;
}

export type Result = "passed" | "failed" | null;

export interface Version {
  n: number;
  parent: number | null;
  kind: "template" | "generate" | "edit" | "restore" | "import";
  restored_from: number | null;
  generation_id: string | null;
  message: string;
  prompt: string | null;
  result: Result;
  file_count: number;
  size_bytes: number;
  created_at: Time;
}

export interface FileDiff {
  path: string;
  status: "added" | "modified" | "removed";
  binary: boolean;
  additions: number | null;
  deletions: number | null;
  diff: string | null; // unified
}

export interface VersionDiff {
  from: number;
  to: number;
  files: FileDiff[];
}

export type AppState =
  | "stopped"
  | "waiting"
  | "preparing"
  | "installing"
  | "starting"
  | "running"
  | "crashed"
  | "exited"
  | "failed";

export interface AppStatus {
  state: AppState;
  phase: string;
  detail: string;
  for_ms: number | null;
  preview_url: string;
  port: number | null;
  ports: number[];
  plan: {
    kind: string;
    manager: string;
    install: string;
    command: string;
  } | null;
  exit_code: number | null;
  signal: string | null;
  error: string | null;
  install_ms: number | null;
  start_ms: number | null;
  stopped_by_owner: boolean;
  version: number;
  hydrated_version: number | null;
}

export interface LogLine {
  t: number; // Unix ms
  stream: "stdout" | "stderr" | "system";
  source: "install" | "app";
  text: string;
}

export interface Share {
  id: string;
  name: string;
  url: string;
  expires_at: Time | null;
  has_password: boolean;
  opens: number;
  last_opened_at: Time | null;
  created_at: Time;
  revoked_at: Time | null;
}

export interface Ticket {
  url: string;
  expires_at: Time;
}

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  request_id?: string;
}

export type Mode = "build" | "explain" | "fix";

export interface FileEvent {
  path: string;
  state: "writing" | "written" | "deleted" | "refused";
  bytes?: number;
  delta?: string;
  reason?: string;
}

export interface StepEvent {
  name: "complete" | "run" | "install" | "start" | "check";
  state: "started" | "queued" | "finished" | "failed" | "skipped" | "listening";
  at: number; // Unix ms
  duration_ms?: number;
  error?: string | null;
  kind?: string;
  reason?: string;
  entry?: string;
  port?: number;
  status?: number | null;
  exit_code?: number | null;
  signal?: string | null;
  timed_out?: boolean;
  truncated?: boolean;
  oom_killed?: boolean;
  source?: "shared" | "project";
  checked?: number;
  failures?: { url: string; status: number; error: string | null }[];
}

export interface OutputEvent {
  stream: "stdout" | "stderr" | "system" | "response";
  data: string;
  source?: "install" | "app";
}

export interface PreviewEvent {
  url: string;
  port: number;
  status: number;
  content_type: string;
  checked: number;
}

export type GenerationState =
  "running" | "done" | "failed" | "cancelled" | "interrupted";

export interface Generation {
  id: string;
  project_id: string;
  mode: Mode;
  prompt: string;
  provider: string;
  model: string;
  state: GenerationState;
  base_version: number;
  version: number | null;
  error: ProblemBody | null;
  cancel_requested: boolean;
  usage: { prompt_tokens: number | null; completion_tokens: number | null };
  reply: string | null;
  summary: {
    files: {
      path: string;
      state: "written" | "deleted" | "refused";
      reason?: string;
      additions: number | null;
      deletions: number | null;
    }[];
    steps: StepEvent[];
    preview: PreviewEvent | null;
    result: Result;
  } | null;
  started_at: Time;
  finished_at: Time | null;
}

/** The events of a generation's stream, by type. A client passes over what it does not know. */
export interface GenerationEvents {
  generation: {
    id: string;
    project_id: string;
    mode: Mode;
    provider: string;
    model: string;
    state: "running";
    base_version: number;
  };
  message: { delta: string };
  file: FileEvent;
  step: StepEvent;
  output: OutputEvent;
  usage: { prompt_tokens: number | null; completion_tokens: number | null };
  version: {
    version: number;
    parent: number;
    files: number;
    overwrote: string[];
  };
  preview: PreviewEvent;
  error: ProblemBody;
  done: { state: Exclude<GenerationState, "running">; version: number | null };
}

export type GenerationEvent = {
  [K in keyof GenerationEvents]: {
    id: number;
    type: K;
    data: GenerationEvents[K];
  };
}[keyof GenerationEvents];

export interface RunResult {
  output: string;
  error: string;
  exit_code: number | null;
  signal: string | null;
  timed_out: boolean;
  truncated: boolean;
  oom_killed: boolean;
  duration_ms: number;
}

export type RunEvent =
  | { type: "stdout" | "stderr"; data: { data: string } }
  | { type: "exit"; data: Omit<RunResult, "output" | "error"> }
  | { type: "error"; data: ProblemBody };
