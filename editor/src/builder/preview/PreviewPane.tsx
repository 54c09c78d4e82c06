import { useState } from "react";
import { Group, Panel, Separator } from "react-resizable-panels";
import { useProject } from "../../api/queries";
import type { Project } from "../../api/types";
import { recall, remember } from "../../app/storage";
import { t } from "../../strings";
import { Busy, ErrorNote } from "../../ui";
import { madeAt } from "../chat/trouble";
import { useBuilder, useSelected, useStore } from "../context";
import { ConsoleDrawer } from "./ConsoleDrawer";
import { isDevice, type Device } from "./devices";
import { FrameView } from "./FrameView";
import { countErrors } from "./messages";
import css from "./preview.module.css";
import { StartUp } from "./StartUp";
import { Toolbar } from "./Toolbar";
import { useFrame } from "./useFrame";
import { useLoading, useWakeOnce } from "./useStarting";

const DEVICE = "preview.device";

function Preview({ project }: { project: Project }) {
  const { app, pageLog, conversation } = useBuilder();
  const { status } = useStore(app);
  const frame = useFrame(project.preview_url);
  const turnAt = useSelected(conversation, ({ turns }) =>
    madeAt(turns.findLast(({ version }) => version !== null) ?? null),
  );
  const errors = countErrors(useStore(pageLog), Math.max(frame.since, turnAt));
  const [device, setDevice] = useState<Device>(
    () => recall(DEVICE, isDevice) ?? "desktop",
  );
  const [hasConsole, setHasConsole] = useState(false);
  useWakeOnce(status);
  useLoading(project, frame);
  const isOn = status?.state === "running";

  return (
    <div className={css.pane}>
      <Toolbar
        frame={frame}
        previewUrl={project.preview_url}
        slug={project.slug}
        isOn={isOn}
        device={device}
        onDevice={(next) => {
          setDevice(next);
          remember(DEVICE, next);
        }}
        errors={errors}
        hasConsole={hasConsole}
        onConsole={() => setHasConsole(!hasConsole)}
      />
      <Group orientation="vertical" className={css.group}>
        <Panel id="page" minSize="30%" className={css.stage}>
          <FrameView frame={frame} device={device} />
          {(!isOn || (!frame.entry && !frame.error)) && (
            <div className={css.cover}>
              {isOn ? (
                <Busy text={t.preview.entering} />
              ) : (
                <StartUp status={status} />
              )}
            </div>
          )}
          {isOn && Boolean(frame.error) && (
            <div className={css.cover}>
              <ErrorNote error={frame.error} onRetry={() => frame.enter()} />
            </div>
          )}
        </Panel>
        {hasConsole && (
          <>
            <Separator
              className={css.separator}
              aria-label={t.preview.resizeConsole}
            />
            <Panel id="console" defaultSize="35%" minSize="120px">
              <ConsoleDrawer onClose={() => setHasConsole(false)} />
            </Panel>
          </>
        )}
      </Group>
    </div>
  );
}

/** The project's app, as it runs. */
export default function PreviewPane() {
  const { projectId } = useBuilder();
  const project = useProject(projectId);
  if (!project.data) {
    return project.error ? (
      <ErrorNote error={project.error} onRetry={() => void project.refetch()} />
    ) : (
      <Busy />
    );
  }
  return <Preview project={project.data} />;
}
