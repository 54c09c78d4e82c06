import { useModels } from "../../api/queries";
import type { Model } from "../../api/types";
import { t } from "../../strings";
import { Badge, CopyButton, ErrorNote, Note, Skeleton } from "../../ui";
import css from "./settings.module.css";

const words = t.settings.models;
const ADD = "OPENAI_API_KEY=sk-… ./deploy.sh";
const ADD_LOCAL =
  "OPENAI_BASE_URL=http://localhost:11434/v1 SLIPWAY_MODEL=qwen2.5-coder ./deploy.sh";

function Command({ text }: { text: string }) {
  return (
    <div className={css.command}>
      <code>{text}</code>
      <CopyButton text={text} />
    </div>
  );
}

function ModelTable({ models }: { models: Model[] }) {
  return (
    <div className={css.tableBox}>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">{words.model}</th>
            <th scope="col">{words.provider}</th>
          </tr>
        </thead>
        <tbody>
          {models.map((model) => (
            <tr key={model.id}>
              <td>
                <b>{model.id}</b>{" "}
                {model.default && <Badge tone="good">{words.isDefault}</Badge>}
              </td>
              <td>{words.providers[model.provider] ?? model.provider}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Models() {
  const models = useModels();
  const items = models.data?.items ?? [];
  const isOffline =
    items.length > 0 && items.every((m) => m.provider === "offline");
  return (
    <>
      <p className={css.soft}>{words.text}</p>
      {models.isPending && <Skeleton className={css.skeleton} />}
      {models.error && (
        <ErrorNote error={models.error} onRetry={() => void models.refetch()} />
      )}
      {items.length > 0 && <ModelTable models={items} />}
      {isOffline && (
        <Note tone="warn">
          <b>{words.offlineTitle}</b>
          <br />
          {words.offlineText}
        </Note>
      )}
      <div className={css.block}>
        <h3>{words.addTitle}</h3>
        <p className={css.soft}>{words.addText}</p>
        <Command text={ADD} />
        <p className={css.soft}>{words.addLocal}</p>
        <Command text={ADD_LOCAL} />
        <p className={css.soft}>{words.addMore}</p>
      </div>
    </>
  );
}
