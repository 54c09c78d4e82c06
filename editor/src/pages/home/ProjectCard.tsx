import { useQueryClient } from "@tanstack/react-query";
import {
  Download,
  Ellipsis,
  ExternalLink,
  FolderOpen,
  Globe,
  Lock,
  Pencil,
  Trash2,
} from "lucide-react";
import { Link, useLocation } from "wouter";
import { errorText } from "../../api/errorText";
import type { Project } from "../../api/types";
import { paths } from "../../app/paths";
import { deleteProject, exportUrl, previewUrl } from "../../app/projectActions";
import { STATUS_TONES } from "../../app/projectStatus";
import { t } from "../../strings";
import {
  Badge,
  IconButton,
  Menu,
  MenuItem,
  MenuLink,
  MenuSeparator,
  toast,
  When,
} from "../../ui";
import css from "./Projects.module.css";

function ProjectMenu({
  project,
  onRename,
}: {
  project: Project;
  onRename: () => void;
}) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const remove = () =>
    deleteProject(client, project).catch((error: unknown) =>
      toast({ text: errorText(error), tone: "bad" }),
    );
  return (
    <Menu
      trigger={
        <IconButton
          label={t.home.actionsOf(project.name)}
          icon={<Ellipsis />}
          size="small"
        />
      }
    >
      <MenuItem
        icon={<FolderOpen />}
        onSelect={() => navigate(paths.project(project.id))}
      >
        {t.common.open}
      </MenuItem>
      <MenuLink icon={<ExternalLink />} href={previewUrl(project)} newTab>
        {t.home.openPreview}
      </MenuLink>
      <MenuItem icon={<Pencil />} onSelect={onRename}>
        {t.common.rename}
      </MenuItem>
      {project.version > 0 && (
        <MenuLink
          icon={<Download />}
          href={exportUrl(project.id, "zip")}
          download
        >
          {t.home.download}
        </MenuLink>
      )}
      <MenuSeparator />
      <MenuItem icon={<Trash2 />} danger onSelect={() => void remove()}>
        {t.common.delete}
      </MenuItem>
    </Menu>
  );
}

export function ProjectCard({
  project,
  onRename,
}: {
  project: Project;
  onRename: () => void;
}) {
  const isPublic = project.visibility === "public";
  const Visibility = isPublic ? Globe : Lock;
  return (
    <li className={css.card}>
      <div className={css.cardHead}>
        <Link href={paths.project(project.id)} className={css.name}>
          {project.name}
        </Link>
        <ProjectMenu project={project} onRename={onRename} />
      </div>
      <div className={css.meta}>
        <Badge tone={STATUS_TONES[project.status]}>
          {t.app[project.status]}
        </Badge>
        <span className={css.visibility}>
          <Visibility aria-hidden="true" />
          {isPublic ? t.home.isPublic : t.home.isPrivate}
        </span>
        <span className={css.when}>
          <span className="visually-hidden">{t.home.changed} </span>
          <When time={project.updated_at} />
        </span>
      </div>
    </li>
  );
}
