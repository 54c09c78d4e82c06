import { useEffect } from "react";
import type { FileEntry, FileList } from "../../../api/types";
import { decodeText } from "../files/text";
import { extensionOf } from "../language";
import type { CodeSession } from "../session";
import { loadMonaco } from "./load";

const CODE = ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs", "json"];
const MAX_FILES = 150;
const MAX_FILE_BYTES = 128 * 1024;
const MAX_BYTES = 2 * 1024 * 1024;
const AT_ONCE = 4;

/** The files worth knowing for the language service: code, small, and not too many. */
export function libraryFiles(items: readonly FileEntry[]): FileEntry[] {
  let bytes = 0;
  return items
    .filter(
      ({ path, size }) =>
        CODE.includes(extensionOf(path)) &&
        size <= MAX_FILE_BYTES &&
        !/(^|\/)package-lock\.json$/.test(path),
    )
    .slice(0, MAX_FILES)
    .filter(({ size }) => (bytes += size) <= MAX_BYTES);
}

/** What was read already, by path; the ETag says whether it still is that. */
const known = new Map<string, { etag: string; text: string }>();
let knownOf = "";

async function readAll(
  session: CodeSession,
  list: FileList,
  signal: AbortSignal,
): Promise<void> {
  const wanted = libraryFiles(list.items);
  const paths = new Set(wanted.map(({ path }) => path));
  for (const path of known.keys()) {
    if (!paths.has(path)) {
      known.delete(path);
    }
  }
  const missing = wanted.filter(
    ({ path, etag }) => known.get(path)?.etag !== etag,
  );
  const next = async (): Promise<void> => {
    const entry = missing.shift();
    if (!entry || signal.aborted) {
      return;
    }
    const file = await session.files
      .read(entry.path, list.version)
      .catch(() => null);
    const text = file && decodeText(file.bytes)?.text;
    if (typeof text === "string" && !signal.aborted) {
      known.set(entry.path, { etag: entry.etag, text });
    }
    return next();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

/** Lets imports among the project's files be understood, also of those that are not open. */
export function useProjectTypes(
  session: CodeSession,
  list: FileList | undefined,
): void {
  useEffect(() => {
    if (!list) {
      return;
    }
    const abort = new AbortController();
    if (knownOf !== session.projectId) {
      knownOf = session.projectId;
      known.clear();
    }
    const run = async () => {
      const { setLibraries } = await loadMonaco();
      await readAll(session, list, abort.signal);
      if (!abort.signal.aborted) {
        setLibraries(new Map([...known].map(([p, { text }]) => [p, text])));
      }
    };
    // After what the person waits for.
    const timer = setTimeout(() => void run().catch(() => undefined), 1500);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [session, list]);
}
