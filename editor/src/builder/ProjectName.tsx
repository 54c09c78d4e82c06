import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState, type KeyboardEvent } from "react";
import { errorText } from "../api/errorText";
import { sendJson } from "../api/http";
import { keys } from "../api/queries";
import type { Project } from "../api/types";
import { t } from "../strings";
import { toast } from "../ui";
import css from "./builder.module.css";

const MAX_CHARACTERS = 100;

/** The project's name; a click makes it a field. */
export function ProjectName(props: {
  project: Project;
  editing: boolean;
  onEditing: (editing: boolean) => void;
}) {
  const { project, editing, onEditing } = props;
  const client = useQueryClient();
  const given = useRef(false); // Escape leaves by the same blur that saves
  const [saving, setSaving] = useState<string | null>(null);

  const save = async (text: string) => {
    const name = text.trim();
    onEditing(false);
    if (given.current || !name || name === project.name) {
      return;
    }
    setSaving(name);
    try {
      const changed = await sendJson<Project>(
        "PATCH",
        `/projects/${project.id}`,
        { name },
      );
      client.setQueryData(keys.project(project.id), changed);
      void client.invalidateQueries({
        queryKey: keys.projects,
      });
    } catch (error) {
      toast({ text: errorText(error), tone: "bad" });
    } finally {
      setSaving(null);
    }
  };

  if (!editing) {
    return (
      <h1 className={css.name}>
        <button
          type="button"
          title={t.builder.rename}
          onClick={() => {
            given.current = false;
            onEditing(true);
          }}
        >
          <span>{saving ?? project.name}</span>
        </button>
      </h1>
    );
  }
  const onKey = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "Enter") {
      event.currentTarget.blur();
    } else if (event.key === "Escape") {
      given.current = true;
      event.currentTarget.blur();
    }
  };
  return (
    <input
      className={css.nameInput}
      aria-label={t.builder.nameLabel}
      defaultValue={project.name}
      maxLength={MAX_CHARACTERS}
      ref={(input) => {
        input?.focus();
        input?.select();
      }}
      onKeyDown={onKey}
      onBlur={(event) => void save(event.target.value)}
    />
  );
}
