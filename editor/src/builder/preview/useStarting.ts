import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { encodePath, request } from "../../api/http";
import { keys, useFiles } from "../../api/queries";
import type { AppStatus, Project } from "../../api/types";
import { useBuilder, useSelected, useStore } from "../context";
import { updatesItself } from "./hotReload";
import type { Frame } from "./useFrame";

/** A server that was started anew for its changed files needs a moment. */
const SETTLE_MS = 700;

/** An app that fell asleep is woken when its builder is opened; one that its owner stopped is not. */
export function useWakeOnce(status: AppStatus | null): void {
  const { app, conversation } = useBuilder();
  const isTurnRunning = useSelected(conversation, (s) => s.running !== null);
  const hasLooked = useRef(false);
  useEffect(() => {
    if (!status || hasLooked.current) {
      return;
    }
    hasLooked.current = true;
    if (
      status.state === "stopped" &&
      !status.stopped_by_owner &&
      status.version > 0 &&
      !isTurnRunning
    ) {
      app.start().catch(() => {}); // there is a button for it
    }
  }, [status, app, isTurnRunning]);
}

function useUpdatesItself(): boolean {
  const { projectId } = useBuilder();
  const manifest = useFiles(projectId).data?.items.find(
    (file) => file.path === "package.json",
  );
  const text = useQuery({
    queryKey: [...keys.project(projectId), "manifest", manifest?.etag ?? null],
    queryFn: async () => {
      const path = encodePath("package.json");
      return manifest
        ? (await request(`/projects/${projectId}/files/${path}`)).text()
        : null;
    },
    staleTime: Infinity,
  });
  return updatesItself(text.data ?? null);
}

/** Enters the app when it begins to run, and loads it again when its files change and it does not itself. */
export function useLoading(project: Project, frame: Frame): void {
  const { app } = useBuilder();
  const { status, starts } = useStore(app);
  const isRunning = status?.state === "running";
  const version = status?.hydrated_version ?? null;
  const isSelfMade = useUpdatesItself();
  const seen = useRef<string | null>(null);
  const { enter, reload } = frame;
  const latest = useRef({ enter, reload });
  useEffect(() => {
    latest.current = { enter, reload };
  });
  useEffect(() => app.refresh(), [app, project.version]);

  useEffect(() => {
    if (isRunning) {
      latest.current.enter();
    } else {
      seen.current = null;
    }
  }, [isRunning]);

  useEffect(() => {
    if (!isRunning || version === null) {
      return;
    }
    const now = `${version} ${starts}`;
    const before = seen.current;
    seen.current = now;
    if (before === null || before === now || isSelfMade) {
      return;
    }
    const timer = setTimeout(() => latest.current.reload(), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [isRunning, version, starts, isSelfMade]);
}
