import { useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { errorText } from "../../api/errorText";
import { isProblem } from "../../api/http";
import { filesChanged, keys } from "../../api/queries";
import type { Change, FileList } from "../../api/types";
import { t } from "../../strings";
import { toast } from "../../ui";
import { MAX_UPLOAD_BYTES } from "./files/kind";
import { isWithin, joinPath } from "./files/paths";
import { decodeText, encodeText } from "./files/text";
import type { Store } from "../context";
import { Value } from "../store";
import type { CodeSession } from "./session";

/** What is done to files from the tree. Each makes a version. */
export interface FileActions {
  /** What is under way and has no dialog to show it, in words. */
  doing: Store<readonly string[]>;
  create(path: string): Promise<void>;
  move(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Resolves to the paths that exist already and were left alone. */
  upload(
    files: readonly File[],
    dir: string,
    options: { overwrite: boolean; onProgress: (done: number) => void },
  ): Promise<File[]>;
}

export const wasChangedMeanwhile = (error: unknown): boolean =>
  isProblem(error, 409, 412);

/** An error of an action as a person reads it. */
export const actionError = (error: unknown): string =>
  wasChangedMeanwhile(error) ? t.code.changedMeanwhile : errorText(error);

interface Files {
  session: CodeSession;
  doing: Value<readonly string[]>;
  /** Asks for the list once more and gives it to whoever shows it. */
  refresh: () => Promise<FileList>;
}

async function during<T>(
  { doing }: Files,
  text: string,
  work: () => Promise<T>,
): Promise<T> {
  doing.set([...doing.getSnapshot(), text]);
  try {
    return await work();
  } finally {
    const rest = doing.getSnapshot();
    doing.set(rest.toSpliced(rest.indexOf(text), 1));
  }
}

async function change(
  { session, refresh }: Files,
  changes: Change[],
): Promise<{ version: number; parent: number | null }> {
  try {
    const list = await session.files.list();
    return await session.files.change(changes, list.version);
  } catch (error) {
    if (wasChangedMeanwhile(error)) {
      await refresh().catch(() => undefined);
    }
    throw error;
  }
}

async function move(files: Files, from: string, to: string): Promise<void> {
  const { session } = files;
  session.buffers.expectMove(from);
  try {
    await change(files, [{ op: "move", path: from, to }]);
    const list = await session.files.list();
    await session.buffers.moved(from, to, list);
    session.moved(from, to);
  } finally {
    session.buffers.expectMove(null);
  }
  await files.refresh();
  toast({ text: t.code.moved(from, to), tone: "good" });
}

/** Writes once more what was beneath `path` in a version. */
async function writeBack(
  { session }: Files,
  path: string,
  version: number,
  lost: readonly string[],
): Promise<void> {
  const changes: Change[] = [];
  for (const file of lost.filter((p) => isWithin(p, path))) {
    const content = await session.files.read(file, version);
    const text = content && decodeText(content.bytes);
    if (text) {
      changes.push({
        op: "write",
        path: file,
        content: encodeText(text.text, text.hasBom),
      });
    } else if (content) {
      await session.files.upload(file, new Blob([content.bytes]), false);
    }
  }
  if (changes.length > 0) {
    await session.files.change(changes, null);
  }
}

async function undoRemove(
  files: Files,
  path: string,
  done: { version: number; parent: number | null },
  lost: readonly string[],
): Promise<void> {
  const parent = done.parent ?? done.version - 1;
  try {
    const newest = (await files.session.files.list()).version;
    // The whole version brings back modes too; not when something else was changed since.
    if (newest === done.version) {
      await files.session.files.restore(parent);
    } else {
      await writeBack(files, path, parent, lost);
    }
    await files.refresh();
    toast({ text: t.code.restored(path), tone: "good" });
  } catch (error) {
    toast({
      text: `${t.code.undoFailed}: ${actionError(error)}`,
      tone: "bad",
    });
  }
}

async function remove(files: Files, path: string): Promise<void> {
  const { session } = files;
  const before = (await session.files.list()).items.map((file) => file.path);
  const done = await change(files, [{ op: "delete", path }]);
  for (const open of session.getSnapshot().open) {
    if (isWithin(open, path)) {
      session.close(open);
    }
  }
  await files.refresh();
  toast({
    text: t.code.removed(path),
    action: {
      text: t.common.undo,
      run: () =>
        void during(files, t.code.bringingBack(path), () =>
          undoRemove(files, path, done, before),
        ),
    },
  });
}

async function upload(
  { session, refresh }: Files,
  list: readonly File[],
  dir: string,
  options: Parameters<FileActions["upload"]>[2],
): Promise<File[]> {
  const there: File[] = [];
  let done = 0;
  for (const file of list) {
    if (file.size > MAX_UPLOAD_BYTES) {
      toast({ text: t.code.uploadTooLarge(file.name), tone: "bad" });
      continue;
    }
    try {
      const path = joinPath(dir, file.name);
      await session.files.upload(path, file, options.overwrite);
      options.onProgress(++done);
    } catch (error) {
      if (isProblem(error, 412)) {
        there.push(file);
      } else {
        const why = errorText(error);
        toast({ text: t.code.uploadFailed(file.name, why), tone: "bad" });
      }
    }
  }
  if (done > 0) {
    await refresh();
    toast({ text: t.code.uploaded(done), tone: "good" });
  }
  return there;
}

export function useFileActions(session: CodeSession): FileActions {
  const client = useQueryClient();
  return useMemo(() => {
    const refresh = async () => {
      const list = await session.files.list();
      client.setQueryData(keys.files(session.projectId), list);
      filesChanged(client, session.projectId);
      return list;
    };
    const doing = new Value<readonly string[]>([]);
    const files: Files = { session, doing, refresh };
    return {
      doing,
      async create(path) {
        await change(files, [{ op: "write", path, content: "" }]);
        await refresh();
        session.open(path);
      },
      move: (from, to) =>
        during(files, t.code.moving(from), () => move(files, from, to)),
      remove: (path) =>
        during(files, t.code.removing(path), () => remove(files, path)),
      upload: (list, dir, options) => upload(files, list, dir, options),
    };
  }, [client, session]);
}
