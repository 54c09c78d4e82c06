import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState, type FormEvent } from "react";
import { errorText } from "../../api/errorText";
import { sendJson } from "../../api/http";
import { keys } from "../../api/queries";
import type { ApiKey, NewApiKey } from "../../api/types";
import { t } from "../../strings";
import {
  Button,
  Confirm,
  CopyButton,
  ErrorNote,
  IconButton,
  Note,
  Skeleton,
  TextField,
  When,
} from "../../ui";
import css from "./settings.module.css";
import { usePaged } from "./usePaged";

const words = t.settings.apiKeys;

const exampleFor = (key: string) =>
  [
    `curl ${location.origin}/api/v1/execute`,
    `-H 'Authorization: Bearer ${key}'`,
    "-H 'Content-Type: application/json'",
    `-d '{"code":"console.log(1+1)"}'`,
  ].join(" \\\n  ");

function NewKey({ made }: { made: NewApiKey }) {
  const example = exampleFor(made.key);
  return (
    <Note tone="good">
      <p className={css.newKey}>
        <b>{words.newTitle}</b> {words.newText}
      </p>
      <div className={css.command}>
        <code>{made.key}</code>
        <CopyButton text={made.key} label={words.copyKey} />
      </div>
      <p className={css.tryIt}>{words.tryIt}</p>
      <div className={css.command}>
        <pre>{example}</pre>
        <CopyButton text={example} label={words.copyExample} />
      </div>
    </Note>
  );
}

function CreateForm({ onMade }: { onMade: (key: NewApiKey) => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [isTried, setIsTried] = useState(false);
  const create = useMutation({
    mutationFn: () =>
      sendJson<NewApiKey>("POST", "/api-keys", {
        name: name.trim(),
      }),
    onSuccess: (made) => {
      setName("");
      setIsTried(false);
      onMade(made);
      void client.invalidateQueries({
        queryKey: keys.apiKeys,
      });
    },
  });
  const isEmpty = name.trim() === "";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setIsTried(true);
    if (!isEmpty) {
      create.mutate();
    }
  };
  return (
    <form className={css.inlineForm} onSubmit={submit}>
      <TextField
        label={words.name}
        placeholder={words.namePlaceholder}
        value={name}
        maxLength={100}
        error={
          isTried && isEmpty
            ? words.nameMissing
            : create.error && errorText(create.error)
        }
        onChange={(event) => setName(event.target.value)}
      />
      <Button type="submit" tone="primary" busy={create.isPending}>
        {words.create}
      </Button>
    </form>
  );
}

function KeyTable({
  apiKeys,
  onRemove,
}: {
  apiKeys: ApiKey[];
  onRemove: (key: ApiKey) => void;
}) {
  return (
    <div className={css.tableBox}>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">{words.name}</th>
            <th scope="col">{words.prefix}</th>
            <th scope="col">{words.created}</th>
            <th scope="col">{words.lastUsed}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {apiKeys.map((key) => (
            <tr key={key.id}>
              <td>{key.name}</td>
              <td>
                <code>{key.prefix}…</code>
              </td>
              <td>
                <When time={key.created_at} />
              </td>
              <td>
                {key.last_used_at ? (
                  <When time={key.last_used_at} />
                ) : (
                  words.never
                )}
              </td>
              <td className={css.actions}>
                <IconButton
                  size="small"
                  label={words.removeOf(key.name)}
                  icon={<Trash2 />}
                  onClick={() => onRemove(key)}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function ApiKeys() {
  const client = useQueryClient();
  const list = usePaged<ApiKey>(keys.apiKeys, "/api-keys");
  const [made, setMade] = useState<NewApiKey | null>(null);
  const [removed, setRemoved] = useState<ApiKey | null>(null);
  const apiKeys = list.data?.pages.flatMap((page) => page.items) ?? [];
  const remove = async () => {
    await sendJson("DELETE", `/api-keys/${removed!.id}`);
    if (made?.id === removed!.id) {
      setMade(null);
    }
    await client.invalidateQueries({ queryKey: keys.apiKeys });
  };
  return (
    <>
      <p className={css.soft}>{words.text}</p>
      <CreateForm onMade={setMade} />
      {made && <NewKey made={made} />}
      {list.isPending && <Skeleton className={css.skeleton} />}
      {list.error && (
        <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
      )}
      {list.data && apiKeys.length === 0 && (
        <p className={css.soft}>{words.empty}</p>
      )}
      {apiKeys.length > 0 && (
        <KeyTable apiKeys={apiKeys} onRemove={setRemoved} />
      )}
      {list.hasNextPage && (
        <Button
          busy={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {t.home.showMore}
        </Button>
      )}
      <Confirm
        open={removed !== null}
        onClose={() => setRemoved(null)}
        title={words.removeTitle}
        text={words.removeText(removed?.name ?? "")}
        confirm={words.remove}
        danger
        onConfirm={remove}
        errorText={errorText}
      />
    </>
  );
}
