// The calls of the API that the code pane makes.

import {
  encodePath,
  getJson,
  isProblem,
  request,
  sendJson,
} from "../../../api/http";
import type {
  Change,
  Changed,
  FileList,
  SearchResult,
} from "../../../api/types";

const TRANSFER_MS = 120_000;

export interface FileBytes {
  bytes: Uint8Array<ArrayBuffer>;
  etag: string;
}

export interface FileApi {
  /** null: there is no such file in that version. */
  read(path: string, version: number): Promise<FileBytes | null>;
  change(
    changes: Change[],
    baseVersion: number | null,
    message?: string,
  ): Promise<Changed>;
  list(): Promise<FileList>;
}

/** nginx weakens what it compresses. */
export const strongEtag = (etag: string): string => etag.replace(/^W\//, "");

export class ProjectFiles implements FileApi {
  readonly projectId: string;

  constructor(projectId: string) {
    this.projectId = projectId;
  }

  get #base(): string {
    return `/projects/${this.projectId}`;
  }

  list(): Promise<FileList> {
    return getJson<FileList>(`${this.#base}/files`);
  }

  async read(path: string, version: number): Promise<FileBytes | null> {
    try {
      const response = await request(
        `${this.#base}/files/${encodePath(path)}?version=${version}`,
        { timeoutMs: TRANSFER_MS },
      );
      return {
        bytes: new Uint8Array(await response.arrayBuffer()),
        etag: strongEtag(response.headers.get("ETag") ?? ""),
      };
    } catch (error) {
      if (isProblem(error, 404)) {
        return null;
      }
      throw error;
    }
  }

  change(
    changes: Change[],
    baseVersion: number | null,
    message?: string,
  ): Promise<Changed> {
    return sendJson<Changed>(
      "POST",
      `${this.#base}/changes`,
      { changes, base_version: baseVersion, message },
      { timeoutMs: TRANSFER_MS },
    );
  }

  /** Any bytes; `overwrite` false: 412 when there is such a file. */
  async upload(path: string, body: Blob, overwrite: boolean): Promise<void> {
    await request(`${this.#base}/files/${encodePath(path)}`, {
      method: "PUT",
      body,
      headers: {
        "Content-Type": "application/octet-stream",
        ...(overwrite ? {} : { "If-None-Match": "*" }),
      },
      timeoutMs: TRANSFER_MS,
    });
  }

  /** The whole of a version once more, as the newest. */
  restore(version: number): Promise<Changed> {
    return sendJson<Changed>(
      "POST",
      `${this.#base}/versions/${version}/restore`,
    );
  }

  search(
    query: string,
    matchCase: boolean,
    signal: AbortSignal,
  ): Promise<SearchResult> {
    const params = new URLSearchParams({ q: query });
    if (matchCase) {
      params.set("case", "true");
    }
    return getJson<SearchResult>(`${this.#base}/search?${params}`, { signal });
  }

  /** Where the browser itself can get a file, for downloads. */
  url(path: string, version?: number): string {
    const query = version === undefined ? "" : `?version=${version}`;
    return `/api/v1${this.#base}/files/${encodePath(path)}${query}`;
  }
}
