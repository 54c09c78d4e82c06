import { History } from "lucide-react";
import { useState } from "react";
import { t } from "../../strings";
import { Busy, Empty, ErrorNote } from "../../ui";
import { useBuilder } from "../context";
import { Changes, type Pair } from "./Changes";
import { Timeline } from "./Timeline";
import { useVersionPages } from "./useVersionPages";
import css from "./versions.module.css";

/** What was looked at last, for when the pane is shown again. */
const lastPairs = new Map<string, Pair>();

/** All versions of the project, and what changed between them. */
export default function VersionsPane() {
  const { projectId } = useBuilder();
  const pages = useVersionPages(projectId);
  // null: the newest against the one before it, whichever these are.
  const [chosen, setChosen] = useState<Pair | null>(
    () => lastPairs.get(projectId) ?? null,
  );
  const choose = (pair: Pair | null) => {
    setChosen(pair);
    if (pair) {
      lastPairs.set(projectId, pair);
    } else {
      lastPairs.delete(projectId);
    }
  };
  const versions = pages.data?.pages.flatMap((page) => page.items) ?? [];
  const newest = versions[0];

  if (pages.error && !newest) {
    return (
      <ErrorNote error={pages.error} onRetry={() => void pages.refetch()} />
    );
  }
  if (pages.isPending) {
    return <Busy />;
  }
  if (!newest) {
    return (
      <div className={css.nothing}>
        <Empty icon={<History aria-hidden="true" />} title={t.versions.empty}>
          {t.versions.emptyText}
        </Empty>
      </div>
    );
  }
  const pair = chosen ?? { from: newest.parent ?? 0, to: newest.n };
  return (
    <div className={css.pane} data-chosen={chosen !== null || undefined}>
      <Timeline
        versions={versions}
        shown={pair.to}
        onShow={(version) =>
          choose({
            from: version.parent ?? 0,
            to: version.n,
          })
        }
        hasMore={pages.hasNextPage}
        isLoadingMore={pages.isFetchingNextPage}
        onMore={() => void pages.fetchNextPage()}
      />
      <Changes
        pair={pair}
        onPair={choose}
        versions={versions}
        onBack={() => choose(null)}
      />
    </div>
  );
}
