import { useMutation } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { useTemplates } from "../../api/queries";
import type { Template } from "../../api/types";
import { paths } from "../../app/paths";
import { t } from "../../strings";
import { ErrorNote, Skeleton, Spinner } from "../../ui";
import css from "./Templates.module.css";
import { startWithTemplate } from "./start";

const SKELETONS = ["a", "b", "c", "d", "e", "f"];

function TemplateCard({
  template,
  busy,
  disabled,
  onStart,
}: {
  template: Template;
  busy: boolean;
  disabled: boolean;
  onStart: () => void;
}) {
  return (
    <button
      type="button"
      className={css.card}
      aria-busy={busy || undefined}
      disabled={disabled}
      onClick={onStart}
    >
      <span className={css.name}>
        <span>
          <span className="visually-hidden">{t.home.startWith} </span>
          {template.name}
        </span>
        {busy && <Spinner />}
      </span>
      <span className={css.description}>{template.description}</span>
      <span className={css.tags}>
        {template.tags.map((tag) => (
          <span key={tag}>{tag}</span>
        ))}
      </span>
    </button>
  );
}

/** What shows a page in the browser at once comes first, programs without one last. */
function rank({ tags }: Template): number {
  return tags.includes("script") ? 2 : tags.includes("node") ? 1 : 0;
}

export function Templates() {
  const templates = useTemplates();
  const [, navigate] = useLocation();
  const start = useMutation({
    mutationFn: startWithTemplate,
    onSuccess: (project) => navigate(paths.project(project.id)),
  });
  return (
    <section aria-labelledby="templates" className={css.section}>
      <div className={css.head}>
        <h2 id="templates">{t.home.templates}</h2>
        <p>{t.home.templatesText}</p>
      </div>
      {start.error && <ErrorNote error={start.error} />}
      {templates.error && (
        <ErrorNote
          error={templates.error}
          onRetry={() => void templates.refetch()}
        />
      )}
      <div className={css.grid}>
        {templates.isPending &&
          SKELETONS.map((key) => (
            <Skeleton key={key} className={css.skeleton} />
          ))}
        {templates.data?.items
          .toSorted((a, b) => rank(a) - rank(b))
          .map((template) => (
            <TemplateCard
              key={template.id}
              template={template}
              busy={start.isPending && start.variables.id === template.id}
              disabled={start.isPending}
              onStart={() => start.mutate(template)}
            />
          ))}
      </div>
    </section>
  );
}
