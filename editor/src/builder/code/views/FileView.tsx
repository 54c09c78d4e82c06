import { Suspense, type ReactNode } from "react";
import { lazy } from "../../../app/lazy";
import { t } from "../../../strings";
import { Button, Busy, Empty, ErrorNote, Note } from "../../../ui";
import { useBuilder, useStore } from "../../context";
import type { Buffer } from "../buffers/buffer";
import { hasText } from "../buffers/machine";
import css from "../code.module.css";
import { useCode } from "../CodeContext";
import { kindByName } from "../files/kind";
import { formatBytes } from "../files/text";
import { useWrittenText } from "../useWriting";
import { Banners } from "./Banners";
import { FileCard } from "./FileCard";
import { MediaView } from "./MediaView";
import { PictureView } from "./PictureView";

const EditorView = lazy(() => import("./EditorView"));
const StreamView = lazy(() => import("./StreamView"));
const ConflictView = lazy(() => import("./ConflictView"));
const CompareView = lazy(() => import("./CompareView"));

/** How a text is shown: to be edited, beside what it was in a version, or as the picture it describes. */
export type FileAs = "text" | "comparison" | "picture";

export interface FileViewProps {
  path: string;
  wordWrap: boolean;
  shownAs: FileAs;
  onShowAs: (as: FileAs) => void;
}

function NoText({ buffer }: { buffer: Buffer }) {
  const { session, close } = useCode();
  const { path, state, size, error } = buffer;
  switch (state) {
    case "failed":
      return (
        <div className={css.banner}>
          <ErrorNote
            error={error}
            onRetry={() => session.buffers.reload(path)}
          />
        </div>
      );
    case "missing":
      return (
        <Empty
          title={t.code.missing}
          action={
            <Button onClick={() => close(path)}>{t.code.goneClose}</Button>
          }
        >
          {path}
        </Empty>
      );
    case "asking":
      return (
        <FileCard
          path={path}
          title={t.code.largeTitle}
          text={t.code.largeText(formatBytes(size))}
          action={
            <Button tone="primary" onClick={() => session.buffers.reload(path)}>
              {t.code.largeOpen}
            </Button>
          }
        />
      );
    case "tooLarge":
      return (
        <FileCard
          path={path}
          title={t.code.tooLargeTitle}
          text={t.code.tooLargeText(formatBytes(size))}
        />
      );
    case "notText":
      return (
        <FileCard
          path={path}
          title={t.code.binaryTitle}
          text={`${t.code.binaryText} (${formatBytes(size)})`}
        />
      );
    default:
      return <Busy text={t.code.loadingEditor} />;
  }
}

function TextView(props: FileViewProps & { buffer: Buffer }) {
  const { path, buffer, wordWrap, shownAs, onShowAs } = props;
  const { conversation } = useBuilder();
  const written = useWrittenText(conversation, path);
  const { state } = buffer;
  const mayFollow = state === "clean" || !hasText(state);
  let shown: ReactNode;
  if (written !== null && mayFollow) {
    shown = (
      <>
        <div className={css.banner} role="status">
          <Note>{t.code.writing}</Note>
        </div>
        <StreamView path={path} text={written} />
      </>
    );
  } else if (state === "conflict") {
    shown = <ConflictView buffer={buffer} />;
  } else if (!hasText(state)) {
    shown = <NoText buffer={buffer} />;
  } else if (shownAs === "comparison") {
    shown = <CompareView buffer={buffer} onClose={() => onShowAs("text")} />;
  } else if (shownAs === "picture") {
    shown = <PictureView path={path} />;
  } else {
    shown = <EditorView buffer={buffer} wordWrap={wordWrap} />;
  }
  return (
    <>
      <Banners buffer={buffer} />
      <Suspense fallback={<Busy text={t.code.loadingEditor} />}>
        {shown}
      </Suspense>
    </>
  );
}

/** The file of the active tab. */
export function FileView(props: FileViewProps) {
  const { path } = props;
  const { session } = useCode();
  const buffer = useStore(session.buffers).get(path);
  const kind = kindByName(path);
  if (["image", "audio", "video"].includes(kind)) {
    return <MediaView path={path} />;
  }
  if (kind !== "text") {
    return <FileCard path={path} />;
  }
  return buffer ? (
    <TextView {...props} buffer={buffer} />
  ) : (
    <Busy text={t.code.loadingEditor} />
  );
}
