// Counts of added and removed lines while files are written, and the exact ones once there is a version.

import { encodePath, getJson, request } from "../../api/http";
import type { FileList, VersionDiff } from "../../api/types";
import type { Turn, TurnFile } from "../context";
import { countLines } from "./diffCounts";
import type { Counts } from "./progress";

const EVERY_MS = 400;
const MAX_BYTES = 1024 * 1024;

/** The files of a version by path, with their sizes. */
async function sizesAt(
  projectId: string,
  version: number,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const list = await getJson<FileList>(
    `/projects/${projectId}/files?version=${version}`,
    { signal },
  );
  return new Map(list.items.map((file) => [file.path, file.size]));
}

async function textAt(
  projectId: string,
  path: string,
  version: number,
  signal: AbortSignal,
): Promise<string> {
  const response = await request(
    `/projects/${projectId}/files/${encodePath(path)}?version=${version}`,
    { signal },
  );
  const bytes = await response.arrayBuffer();
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

export async function exactCounts(
  projectId: string,
  from: number,
  to: number,
): Promise<Map<string, Counts>> {
  const diff = await getJson<VersionDiff>(
    `/projects/${projectId}/versions/${from}/diff/${to}`,
  );
  return new Map(
    diff.files.map(({ path, additions, deletions }) => [
      path,
      { additions, deletions },
    ]),
  );
}

/** Counts for one turn, some times a second and away from the rendering. */
export class LiveCounts {
  #turn: Turn | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #sizes: Promise<Map<string, number>> | undefined;
  #bases = new Map<string, Promise<string | null>>();
  #counted = new Map<string, TurnFile>();
  #end = new AbortController();
  readonly #projectId: string;
  readonly #tell: (counts: Map<string, Counts>) => void;

  constructor(projectId: string, tell: (counts: Map<string, Counts>) => void) {
    this.#projectId = projectId;
    this.#tell = tell;
  }

  update(turn: Turn): void {
    this.#turn = turn;
    if (this.#timer === undefined && !this.#end.signal.aborted) {
      this.#timer = setTimeout(() => void this.#count(), EVERY_MS);
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#end.abort();
  }

  /** A file's text before the turn: "" where there was none, null for what is not text, or too large. */
  #base(path: string, version: number): Promise<string | null> {
    let base = this.#bases.get(path);
    if (!base) {
      base = this.#load(path, version).catch(() => null);
      this.#bases.set(path, base);
    }
    return base;
  }

  async #load(path: string, version: number): Promise<string | null> {
    if (version === 0) {
      return "";
    }
    const { signal } = this.#end;
    this.#sizes ??= sizesAt(this.#projectId, version, signal);
    const size = (await this.#sizes).get(path);
    if (size === undefined) {
      return "";
    }
    return size > MAX_BYTES
      ? null
      : textAt(this.#projectId, path, version, signal);
  }

  async #count(): Promise<void> {
    const { files, baseVersion, version } = this.#turn!;
    const counts = new Map<string, Counts>();
    for (const file of version === null ? files : []) {
      const before = this.#counted.get(file.path);
      const isNew = before?.text !== file.text || before?.state !== file.state;
      if (file.text === null || baseVersion === null || !isNew) {
        continue;
      }
      const base = await this.#base(file.path, baseVersion);
      if (base !== null && file.text.length <= MAX_BYTES) {
        const isWriting = file.state === "writing";
        counts.set(file.path, countLines(base, file.text, { isWriting }));
      }
      this.#counted.set(file.path, file);
    }
    this.#timer = undefined;
    if (counts.size > 0 && !this.#end.signal.aborted) {
      this.#tell(counts);
    }
  }
}
