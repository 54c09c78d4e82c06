import {
  CircleCheck,
  CircleX,
  FolderInput,
  LayoutTemplate,
  Pencil,
  RotateCcw,
  Sparkles,
} from "lucide-react";
import type { Version } from "../../api/types";
import { t } from "../../strings";
import { Badge, Button, When } from "../../ui";
import { formatBytes } from "../code/files/text";
import css from "./versions.module.css";

const KIND_ICONS = {
  template: LayoutTemplate,
  generate: Sparkles,
  edit: Pencil,
  restore: RotateCcw,
  import: FolderInput,
};

function Result({ result }: { result: Version["result"] }) {
  if (!result) {
    return null;
  }
  const Icon = result === "passed" ? CircleCheck : CircleX;
  return (
    <span className={css.result} data-result={result}>
      <Icon aria-hidden="true" />
      {t.versions.results[result]}
    </span>
  );
}

export const titleOf = (version: Version): string =>
  version.kind === "restore" && version.restored_from !== null
    ? t.versions.restoredFrom(version.restored_from)
    : (version.prompt ?? version.message);

export interface TimelineProps {
  versions: readonly Version[];
  /** What is shown: changes up to this one. */
  shown: number;
  onShow: (version: Version) => void;
  hasMore: boolean;
  isLoadingMore: boolean;
  onMore: () => void;
}

export function Timeline(props: TimelineProps) {
  const { versions, shown, onShow } = props;
  const newest = versions[0]?.n;
  return (
    <div className={css.timeline}>
      <ol aria-label={t.versions.timeline}>
        {versions.map((version) => {
          const Icon = KIND_ICONS[version.kind] ?? Pencil;
          return (
            <li key={version.n}>
              <button
                type="button"
                className={css.version}
                aria-current={version.n === shown || undefined}
                onClick={() => onShow(version)}
              >
                <Icon
                  role="img"
                  aria-label={t.versions.kinds[version.kind] ?? version.kind}
                />
                <span className={css.versionText}>
                  <span className={css.versionTitle}>{titleOf(version)}</span>
                  <span className={css.versionFacts}>
                    <span>{t.common.version(version.n)}</span>
                    <When time={version.created_at} />
                    <span>
                      {t.common.files(version.file_count)},{" "}
                      {formatBytes(version.size_bytes)}
                    </span>
                  </span>
                  <span className={css.versionMarks}>
                    {version.n === newest && (
                      <span className={css.newest}>
                        <Badge>{t.versions.newest}</Badge>
                      </span>
                    )}
                    <Result result={version.result} />
                  </span>
                </span>
              </button>
            </li>
          );
        })}
      </ol>
      {props.hasMore && (
        <Button tone="ghost" busy={props.isLoadingMore} onClick={props.onMore}>
          {t.versions.older}
        </Button>
      )}
    </div>
  );
}
