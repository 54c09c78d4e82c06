import { ArrowLeft, Download, RotateCcw } from "lucide-react";
import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { errorText } from "../../api/errorText";
import { sendJson } from "../../api/http";
import { filesChanged } from "../../api/queries";
import type { FileDiff, Version } from "../../api/types";
import { t } from "../../strings";
import {
  Busy,
  Button,
  buttonClass,
  Confirm,
  Empty,
  ErrorNote,
  IconButton,
  toast,
} from "../../ui";
import { useBuilder } from "../context";
import { useHasFile } from "../logs/useHasFile";
import { titleOf } from "./Timeline";
import { Counts, UnifiedDiff } from "./UnifiedDiff";
import { useVersionDiff } from "./useVersionPages";
import css from "./versions.module.css";

export interface Pair {
  from: number;
  to: number;
}

const sum = (files: readonly FileDiff[], of: "additions" | "deletions") =>
  files.reduce((n, file) => n + (file[of] ?? 0), 0);

function Pick(props: {
  label: string;
  value: number;
  versions: readonly Version[];
  withNothing?: boolean;
  onChange: (n: number) => void;
}) {
  const { label, value, versions, withNothing, onChange } = props;
  const isListed =
    value === 0 || versions.some((version) => version.n === value);
  return (
    <label className={css.pick}>
      {label}
      <select
        value={value}
        onChange={(event) => onChange(Number(event.currentTarget.value))}
      >
        {!isListed && <option value={value}>{t.common.version(value)}</option>}
        {versions.map((version) => (
          <option key={version.n} value={version.n}>
            {t.common.version(version.n)}: {titleOf(version).slice(0, 60)}
          </option>
        ))}
        {withNothing && <option value={0}>{t.versions.nothing}</option>}
      </select>
    </label>
  );
}

function Restore({ version }: { version: Version }) {
  const { projectId } = useBuilder();
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const restore = async () => {
    const made = await sendJson<Version>(
      "POST",
      `/projects/${projectId}/versions/${version.n}/restore`,
    );
    filesChanged(client, projectId);
    toast({
      text: t.versions.restored(version.n, made.n),
      tone: "good",
    });
  };
  return (
    <>
      <Button size="small" onClick={() => setAsking(true)}>
        <RotateCcw aria-hidden="true" />
        {t.versions.restore}
      </Button>
      <Confirm
        open={isAsking}
        onClose={() => setAsking(false)}
        title={t.versions.restoreTitle(version.n)}
        text={t.versions.restoreText}
        confirm={t.versions.restore}
        onConfirm={restore}
        errorText={errorText}
      />
    </>
  );
}

function Diff({ pair }: { pair: Pair }) {
  const { projectId, openFile } = useBuilder();
  const diff = useVersionDiff(projectId, pair.from, pair.to);
  const hasFile = useHasFile();
  if (diff.error) {
    return <ErrorNote error={diff.error} onRetry={() => void diff.refetch()} />;
  }
  if (!diff.data) {
    return <Busy text={t.versions.comparing} />;
  }
  const { files } = diff.data;
  if (files.length === 0) {
    return (
      <Empty title={t.versions.noChanges}>{t.versions.noChangesText}</Empty>
    );
  }
  return (
    <>
      <p className={css.sum}>
        {t.versions.changedFiles(files.length)}
        <Counts
          additions={sum(files, "additions")}
          deletions={sum(files, "deletions")}
        />
      </p>
      {files.map((file) => (
        <UnifiedDiff
          key={`${pair.from} ${pair.to} ${file.path}`}
          file={file}
          onOpen={hasFile(file.path) ? openFile : undefined}
        />
      ))}
    </>
  );
}

export interface ChangesProps {
  pair: Pair;
  onPair: (pair: Pair) => void;
  versions: readonly Version[];
  onBack: () => void;
}

/** What changed between two versions, and what can be done with the later one. */
export function Changes({ pair, onPair, versions, onBack }: ChangesProps) {
  const { projectId } = useBuilder();
  const version = versions.find((v) => v.n === pair.to);
  return (
    <section className={css.changes} aria-label={t.versions.changes}>
      <div className={css.changesBar}>
        <IconButton
          size="small"
          className={css.back}
          label={t.versions.back}
          icon={<ArrowLeft aria-hidden="true" />}
          onClick={onBack}
        />
        <Pick
          label={t.versions.from}
          value={pair.from}
          versions={versions}
          withNothing
          onChange={(from) => onPair({ ...pair, from })}
        />
        <Pick
          label={t.versions.to}
          value={pair.to}
          versions={versions}
          onChange={(to) => onPair({ ...pair, to })}
        />
        <div className={css.changesActions}>
          <a
            href={`/api/v1/projects/${projectId}/export?version=${pair.to}`}
            download
            className={buttonClass("normal", "small")}
          >
            <Download aria-hidden="true" />
            {t.versions.download}
          </a>
          {version && version !== versions[0] && <Restore version={version} />}
        </div>
      </div>
      <div className={css.changesBody}>
        {version && (
          <h2 className={css.changesTitle}>
            {t.common.version(version.n)}: {titleOf(version)}
          </h2>
        )}
        <Diff pair={pair} />
      </div>
    </section>
  );
}
