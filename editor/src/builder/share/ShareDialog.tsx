import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Download, Trash2 } from "lucide-react";
import { useLocation } from "wouter";
import { errorText } from "../../api/errorText";
import type { Project } from "../../api/types";
import { paths } from "../../app/paths";
import { deleteProject, exportUrl } from "../../app/projectActions";
import { t } from "../../strings";
import { Button, buttonClass, Dialog, Note } from "../../ui";
import { Links } from "./Links";
import css from "./share.module.css";
import { VisibilityChoice } from "./VisibilityChoice";

const FORMATS = [
  { format: "zip", text: t.share.zip },
  { format: "tar.gz", text: t.share.tarGz },
] as const;

function DownloadLinks({ project }: { project: Project }) {
  return (
    <section className={css.row} aria-labelledby="share-download">
      <h3 id="share-download">{t.share.download}</h3>
      {project.version > 0 ? (
        <div className={css.buttons}>
          {FORMATS.map(({ format, text }) => (
            <a
              key={format}
              href={exportUrl(project.id, format)}
              download
              className={buttonClass("normal", "small")}
            >
              <Download aria-hidden="true" />
              {text}
            </a>
          ))}
        </div>
      ) : (
        <p className={css.soft}>{t.share.noFiles}</p>
      )}
    </section>
  );
}

function Delete({ project }: { project: Project }) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const remove = useMutation({
    mutationFn: () => deleteProject(client, project),
    onSuccess: () => navigate(paths.home),
  });
  return (
    <section className={css.row} aria-labelledby="share-delete">
      <div>
        <h3 id="share-delete">{t.share.remove}</h3>
        <p className={css.soft}>{t.share.removeText}</p>
      </div>
      <Button
        size="small"
        tone="danger"
        busy={remove.isPending}
        onClick={() => remove.mutate()}
      >
        <Trash2 aria-hidden="true" />
        {t.common.delete}
      </Button>
      {remove.error && <Note tone="bad">{errorText(remove.error)}</Note>}
    </section>
  );
}

export default function ShareDialog({
  project,
  open,
  onClose,
}: {
  project: Project;
  open: boolean;
  onClose: () => void;
}) {
  return (
    <Dialog open={open} onClose={onClose} title={t.share.title}>
      <VisibilityChoice project={project} />
      <Links projectId={project.id} />
      <DownloadLinks project={project} />
      <Delete project={project} />
    </Dialog>
  );
}
