import { FilePlus, Files, ListCollapse, Search, Upload } from "lucide-react";
import { useRef, useState } from "react";
import { errorText } from "../../api/errorText";
import { t } from "../../strings";
import {
  Button,
  Busy,
  Confirm,
  Empty,
  ErrorNote,
  IconButton,
  Spinner,
  toast,
} from "../../ui";
import { useStore } from "../context";
import css from "./code.module.css";
import { useCode } from "./CodeContext";
import { isUnsaved } from "./buffers/machine";
import { checkNewPath, isWithin } from "./files/paths";
import { SearchPanel } from "./search/SearchPanel";
import { FileTree } from "./tree/FileTree";
import { PathDialog } from "./tree/PathDialog";
import type { TreeNode } from "./tree/tree";
import { useFolders } from "./tree/useFolders";
import { actionError } from "./useFileActions";
import { useSlow } from "./useSlow";
import { useUpload } from "./useUpload";

export type SidebarView = "files" | "search";

type Asking =
  | { what: "create"; dir: string }
  | { what: "rename"; node: TreeNode }
  | { what: "remove"; path: string }
  | null;

export interface SidebarProps {
  view: SidebarView;
  onView: (view: SidebarView) => void;
  error: unknown;
  onRetry: () => void;
}

/** The checks of a path that something is moved to. */
function checkMove(
  from: string,
  to: string,
  paths: readonly string[],
): string | null {
  if (to === from) {
    return t.code.pathSame;
  }
  if (isWithin(to, from) && !paths.includes(from)) {
    return t.code.pathIntoItself;
  }
  return checkNewPath(
    to,
    paths.filter((path) => path !== from),
  );
}

export function Sidebar({ view, onView, error, onRetry }: SidebarProps) {
  const { session, list, actions } = useCode();
  const [asking, setAsking] = useState<Asking>(null);
  const fileField = useRef<HTMLInputElement>(null);
  const uploadDir = useRef("");
  const upload = useUpload();
  const doing = useStore(actions.doing).at(-1);
  const isSlow = useSlow(doing !== undefined);
  const paths = list?.items.map((file) => file.path) ?? [];
  const folders = useFolders(session.projectId, paths);

  const remove = (path: string) =>
    actions
      .remove(path)
      .catch((e: unknown) => toast({ text: actionError(e), tone: "bad" }));
  const askRemove = ({ path }: TreeNode) => {
    const hasUnsaved = [...session.buffers.getSnapshot().values()].some(
      (b) => isWithin(b.path, path) && isUnsaved(b.state),
    );
    if (hasUnsaved) {
      setAsking({ what: "remove", path });
    } else {
      void remove(path);
    }
  };
  const askUpload = (dir: string, files?: File[]) => {
    uploadDir.current = dir;
    if (files) {
      upload.start(files, dir);
    } else {
      fileField.current?.click();
    }
  };
  const isEmpty = list !== undefined && paths.length === 0;

  return (
    <div className={css.sidebar}>
      <div className={css.sidebarBar}>
        <IconButton
          size="small"
          label={t.code.files}
          icon={<Files />}
          aria-pressed={view === "files"}
          className={css.toggle}
          onClick={() => onView("files")}
        />
        <IconButton
          size="small"
          label={t.code.searchTab}
          icon={<Search />}
          aria-pressed={view === "search"}
          className={css.toggle}
          onClick={() => onView("search")}
        />
        <span className={css.spring} />
        {view === "files" && (
          <>
            <IconButton
              size="small"
              label={t.code.newFile}
              icon={<FilePlus />}
              onClick={() =>
                setAsking({
                  what: "create",
                  dir: "",
                })
              }
            />
            <IconButton
              size="small"
              label={t.code.upload}
              icon={<Upload />}
              onClick={() => askUpload("")}
            />
            <IconButton
              size="small"
              label={t.code.collapseAll}
              icon={<ListCollapse />}
              onClick={folders.closeAll}
            />
          </>
        )}
      </div>
      <input
        ref={fileField}
        type="file"
        multiple
        hidden
        aria-label={t.code.upload}
        onChange={(event) => {
          upload.start([...(event.target.files ?? [])], uploadDir.current);
          event.target.value = "";
        }}
      />
      {upload.progress && (
        <div className={css.progress} role="status">
          <Spinner />
          {t.code.uploading(upload.progress.done, upload.progress.of)}
        </div>
      )}
      {isSlow && (
        <div className={css.progress} role="status">
          <Spinner />
          {doing}
        </div>
      )}
      {error !== null && !list && <ErrorNote error={error} onRetry={onRetry} />}
      {view === "search" ? (
        <SearchPanel />
      ) : isEmpty ? (
        <Empty
          title={t.code.noFilesTitle}
          action={
            <Button
              onClick={() =>
                setAsking({
                  what: "create",
                  dir: "",
                })
              }
            >
              <FilePlus aria-hidden="true" />
              {t.code.newFile}
            </Button>
          }
        >
          {t.code.noFilesText}
        </Empty>
      ) : list ? (
        <FileTree
          paths={paths}
          folders={folders}
          onCreate={(dir) =>
            setAsking({
              what: "create",
              dir,
            })
          }
          onRename={(node) =>
            setAsking({
              what: "rename",
              node,
            })
          }
          onRemove={askRemove}
          onUpload={askUpload}
        />
      ) : (
        error === null && <Busy />
      )}
      {asking?.what === "create" && (
        <PathDialog
          title={t.code.newFile}
          label={t.code.newFileLabel}
          hint={t.code.newFileHint}
          confirm={t.code.create}
          path={asking.dir && `${asking.dir}/`}
          check={(path) => checkNewPath(path, paths)}
          onClose={() => setAsking(null)}
          onConfirm={async (path) => {
            await actions.create(path);
            folders.reveal(path);
          }}
        />
      )}
      {asking?.what === "rename" && (
        <PathDialog
          title={t.code.renameTitle(asking.node.name)}
          label={t.code.renameLabel}
          confirm={t.code.renameConfirm}
          path={asking.node.path}
          check={(path) => checkMove(asking.node.path, path, paths)}
          onClose={() => setAsking(null)}
          onConfirm={async (path) => {
            await actions.move(asking.node.path, path);
            folders.reveal(path);
          }}
        />
      )}
      <Confirm
        open={asking?.what === "remove"}
        onClose={() => setAsking(null)}
        title={t.code.removeUnsavedTitle}
        text={
          asking?.what === "remove" && t.code.removeUnsavedText(asking.path)
        }
        confirm={t.code.remove}
        danger
        onConfirm={async () => {
          if (asking?.what === "remove") {
            await actions.remove(asking.path);
          }
        }}
        errorText={actionError}
      />
      <Confirm
        open={upload.existing.length > 0}
        onClose={upload.skip}
        title={t.code.overwriteTitle}
        text={t.code.overwriteText(
          upload.existing.map((file) => file.name).join(", "),
        )}
        confirm={t.code.overwrite}
        onConfirm={upload.overwrite}
        errorText={errorText}
      />
    </div>
  );
}
