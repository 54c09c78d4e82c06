import { ArrowLeft, ExternalLink, Share2 } from "lucide-react";
import { Suspense, useState } from "react";
import { lazy } from "../app/lazy";
import { Link } from "wouter";
import type { Project } from "../api/types";
import { paths } from "../app/paths";
import { t } from "../strings";
import { Button, buttonClass, Tooltip } from "../ui";
import { AppBadge } from "./AppBadge";
import css from "./builder.module.css";
import { ProjectMenu } from "./ProjectMenu";
import { ProjectName } from "./ProjectName";

const ShareDialog = lazy(() => import("./share/ShareDialog"));

export function TopBar({ project }: { project: Project }) {
  const [renaming, setRenaming] = useState(false);
  const [sharing, setSharing] = useState(false);
  const [hasShared, setHasShared] = useState(false);

  return (
    <header className={css.topBar}>
      <Tooltip text={t.builder.backHome}>
        <Link
          href={paths.home}
          aria-label={t.builder.backHome}
          className={buttonClass("ghost", "normal", css.square)}
        >
          <ArrowLeft aria-hidden="true" />
        </Link>
      </Tooltip>
      <ProjectName
        project={project}
        editing={renaming}
        onEditing={setRenaming}
      />
      <AppBadge />
      <div className={css.topActions}>
        <Tooltip text={t.builder.openPreview}>
          <a
            href={`/api/v1/previews/${project.slug}/open?to=%2F`}
            target="_blank"
            rel="noopener noreferrer"
            aria-label={t.builder.openPreview}
            className={buttonClass("ghost", "normal", css.square, css.newTab)}
          >
            <ExternalLink aria-hidden="true" />
          </a>
        </Tooltip>
        <Button
          className={css.share}
          aria-label={t.builder.share}
          onClick={() => {
            setHasShared(true);
            setSharing(true);
          }}
        >
          <Share2 aria-hidden="true" />
          <span>{t.builder.share}</span>
        </Button>
        <ProjectMenu project={project} onRename={() => setRenaming(true)} />
      </div>
      {hasShared && (
        <Suspense fallback={null}>
          <ShareDialog
            project={project}
            open={sharing}
            onClose={() => setSharing(false)}
          />
        </Suspense>
      )}
    </header>
  );
}
