import { Plus } from "lucide-react";
import { useState } from "react";
import { errorText } from "../../api/errorText";
import type { Share } from "../../api/types";
import { t } from "../../strings";
import {
  Button,
  Confirm,
  CopyButton,
  ErrorNote,
  Note,
  Skeleton,
} from "../../ui";
import { EditLink } from "./EditLink";
import { shareState } from "./expiry";
import { LinkRow, OldLinkRow } from "./LinkRow";
import { NewLink, type Made } from "./NewLink";
import css from "./share.module.css";
import { useRevokeShare, useShares } from "./useShares";

function MadeNote({ made }: { made: Made }) {
  return (
    <Note tone="good">
      {t.share.created}
      <div className={css.made}>
        <code>{made.share.url}</code>
        <CopyButton text={made.share.url} label={t.share.copyLink} />
      </div>
      {made.password && (
        <div className={css.made}>
          <code>{made.password}</code>
          <CopyButton text={made.password} label={t.share.copyPassword} />
        </div>
      )}
    </Note>
  );
}

function LinkList({ projectId, isNew }: { projectId: string; isNew: boolean }) {
  const list = useShares(projectId);
  const revoke = useRevokeShare(projectId);
  const [edited, setEdited] = useState<Share | null>(null);
  const [revoked, setRevoked] = useState<Share | null>(null);
  if (list.isPending) {
    return <Skeleton className={css.skeleton} />;
  }
  if (list.error) {
    return <ErrorNote error={list.error} onRetry={() => void list.refetch()} />;
  }
  const shares = list.data.pages.flatMap((page) => page.items);
  const live = shares.filter((share) => shareState(share) === "live");
  const old = shares.filter((share) => shareState(share) !== "live");
  return (
    <>
      {live.length === 0 && !isNew && (
        <p className={css.soft}>{t.share.empty}</p>
      )}
      <ul className={css.links}>
        {live.map((share) => (
          <LinkRow
            key={share.id}
            share={share}
            onEdit={() => setEdited(share)}
            onRevoke={() => setRevoked(share)}
          />
        ))}
      </ul>
      {old.length > 0 && (
        <details className={css.old}>
          <summary>{t.share.showOld(old.length)}</summary>
          <ul className={css.links}>
            {old.map((share) => (
              <OldLinkRow key={share.id} share={share} />
            ))}
          </ul>
        </details>
      )}
      {list.hasNextPage && (
        <Button
          size="small"
          busy={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {t.home.showMore}
        </Button>
      )}
      {edited && (
        <EditLink
          projectId={projectId}
          share={edited}
          onClose={() => setEdited(null)}
        />
      )}
      <Confirm
        open={revoked !== null}
        onClose={() => setRevoked(null)}
        title={t.share.revokeTitle}
        text={t.share.revokeText}
        confirm={t.share.revoke}
        danger
        onConfirm={async () => {
          await revoke.mutateAsync(revoked!.id);
        }}
        errorText={errorText}
      />
    </>
  );
}

export function Links({ projectId }: { projectId: string }) {
  const [isNew, setIsNew] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  return (
    <section className={css.section} aria-labelledby="share-links">
      <div className={css.sectionHead}>
        <div>
          <h3 id="share-links">{t.share.links}</h3>
          <p className={css.soft}>{t.share.linksText}</p>
        </div>
        {!isNew && (
          <Button
            size="small"
            onClick={() => {
              setMade(null);
              setIsNew(true);
            }}
          >
            <Plus aria-hidden="true" />
            {t.share.newLink}
          </Button>
        )}
      </div>
      {isNew && (
        <NewLink
          projectId={projectId}
          onCancel={() => setIsNew(false)}
          onMade={(result) => {
            setMade(result);
            setIsNew(false);
          }}
        />
      )}
      {made && <MadeNote made={made} />}
      <LinkList projectId={projectId} isNew={isNew} />
    </section>
  );
}
