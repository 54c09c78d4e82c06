import { useQueryClient } from "@tanstack/react-query";
import {
  CirclePlay,
  CircleStop,
  Download,
  Ellipsis,
  Pencil,
  RotateCw,
  Trash,
} from "lucide-react";
import { useState } from "react";
import { useLocation } from "wouter";
import { errorText } from "../api/errorText";
import type { Project } from "../api/types";
import { paths } from "../app/paths";
import { deleteProject, exportUrl } from "../app/projectActions";
import { t } from "../strings";
import {
  Confirm,
  IconButton,
  Menu,
  MenuItem,
  MenuSeparator,
  toast,
} from "../ui";
import { useBuilder, useSelected } from "./context";

function download(project: Project): void {
  const link = document.createElement("a");
  link.href = exportUrl(project.id, "zip");
  link.download = `${project.slug}.zip`;
  link.click();
}

function tellFailure(error: unknown): void {
  toast({ text: errorText(error), tone: "bad" });
}

export function ProjectMenu({
  project,
  onRename,
}: {
  project: Project;
  onRename: () => void;
}) {
  const { app } = useBuilder();
  const status = useSelected(app, (s) => s.status);
  const isAsked = useSelected(app, (s) => s.asked !== null);
  const [deleting, setDeleting] = useState(false);
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const remove = async () => {
    await deleteProject(client, project, () =>
      navigate(paths.project(project.id)),
    );
    navigate(paths.home);
  };
  const hasFiles = project.version > 0;
  const isDown =
    !status ||
    ["stopped", "crashed", "exited", "failed"].includes(status.state);

  return (
    <>
      <Menu trigger={<IconButton label={t.common.more} icon={<Ellipsis />} />}>
        <MenuItem
          icon={<Download />}
          disabled={!hasFiles}
          onSelect={() => download(project)}
        >
          {t.builder.download}
        </MenuItem>
        <MenuSeparator />
        {isDown ? (
          <MenuItem
            icon={<CirclePlay />}
            disabled={!hasFiles || isAsked}
            onSelect={() => void app.start().catch(tellFailure)}
          >
            {t.builder.startApp}
          </MenuItem>
        ) : (
          <MenuItem
            icon={<CircleStop />}
            disabled={isAsked}
            onSelect={() => void app.stop().catch(tellFailure)}
          >
            {t.builder.stopApp}
          </MenuItem>
        )}
        <MenuItem
          icon={<RotateCw />}
          disabled={!hasFiles || isAsked}
          onSelect={() => void app.restart().catch(tellFailure)}
        >
          {t.builder.restartApp}
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={<Pencil />} onSelect={onRename}>
          {t.builder.rename}
        </MenuItem>
        <MenuItem icon={<Trash />} danger onSelect={() => setDeleting(true)}>
          {t.builder.deleteProject}
        </MenuItem>
      </Menu>
      <Confirm
        open={deleting}
        onClose={() => setDeleting(false)}
        title={t.builder.deleteTitle(project.name)}
        text={t.builder.deleteText}
        confirm={t.common.delete}
        danger
        onConfirm={remove}
        errorText={errorText}
      />
    </>
  );
}
