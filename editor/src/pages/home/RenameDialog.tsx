import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { errorText } from "../../api/errorText";
import type { Project } from "../../api/types";
import { patchProject } from "../../app/projectActions";
import { t } from "../../strings";
import { Button, Dialog, TextField } from "../../ui";

export function RenameDialog({
  project,
  onClose,
}: {
  project: Project;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const [name, setName] = useState(project.name);
  const rename = useMutation({
    mutationFn: () => patchProject(client, project.id, { name: name.trim() }),
    onSuccess: onClose,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rename.mutate();
  };
  const isEmpty = name.trim() === "";
  return (
    <Dialog
      open
      onClose={onClose}
      title={t.home.renameTitle}
      actions={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button
            type="submit"
            form="rename"
            tone="primary"
            busy={rename.isPending}
            disabled={isEmpty}
          >
            {t.common.rename}
          </Button>
        </>
      }
    >
      <form id="rename" onSubmit={submit}>
        <TextField
          label={t.home.nameLabel}
          value={name}
          maxLength={100}
          error={
            isEmpty
              ? t.home.nameMissing
              : rename.error && errorText(rename.error)
          }
          onChange={(event) => setName(event.target.value)}
        />
      </form>
    </Dialog>
  );
}
