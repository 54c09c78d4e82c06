import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Globe, Lock } from "lucide-react";
import { useState } from "react";
import { errorText } from "../../api/errorText";
import type { Project, Visibility } from "../../api/types";
import { patchProject } from "../../app/projectActions";
import { t } from "../../strings";
import { CopyButton, Note } from "../../ui";
import css from "./share.module.css";

const CHOICES = [
  {
    value: "private",
    Icon: Lock,
    title: t.share.private,
    text: t.share.privateText,
  },
  {
    value: "public",
    Icon: Globe,
    title: t.share.public,
    text: t.share.publicText,
  },
] as const;

export function VisibilityChoice({ project }: { project: Project }) {
  const client = useQueryClient();
  const [wanted, setWanted] = useState<Visibility | null>(null);
  const change = useMutation({
    mutationFn: (visibility: Visibility) =>
      patchProject(client, project.id, { visibility }),
    onSettled: () => setWanted(null),
  });
  const chosen = wanted ?? project.visibility;
  return (
    <fieldset className={css.visibility}>
      <legend>{t.share.visibility}</legend>
      <div className={css.choices}>
        {CHOICES.map(({ value, Icon, title, text }) => (
          <label key={value} className={css.choice}>
            <input
              type="radio"
              name="visibility"
              value={value}
              checked={chosen === value}
              onChange={() => {
                setWanted(value);
                change.mutate(value);
              }}
            />
            <Icon aria-hidden="true" />
            <span>
              <b>{title}</b>
              <span className={css.soft}>{text}</span>
            </span>
          </label>
        ))}
      </div>
      {chosen === "public" && (
        <div className={css.address}>
          <code>{project.preview_url}</code>
          <CopyButton text={project.preview_url} label={t.share.copyAddress} />
        </div>
      )}
      {change.error && <Note tone="bad">{errorText(change.error)}</Note>}
    </fieldset>
  );
}
