import { Ban, Ellipsis, LockKeyhole, Pencil } from "lucide-react";
import type { Share } from "../../api/types";
import { t } from "../../strings";
import {
  CopyButton,
  IconButton,
  Menu,
  MenuItem,
  MenuSeparator,
  When,
} from "../../ui";
import { shareName, shareState } from "./expiry";
import css from "./share.module.css";

function Expires({ share }: { share: Share }) {
  if (!share.expires_at) {
    return t.share.neverExpires;
  }
  return (
    <>
      {t.share.expiresWhen} <When time={share.expires_at} />
    </>
  );
}

function Opened({ share }: { share: Share }) {
  if (share.opens === 0) {
    return t.share.neverOpened;
  }
  return (
    <>
      {t.share.opened(share.opens)}
      {share.last_opened_at && (
        <>
          , {t.share.lastOpened} <When time={share.last_opened_at} />
        </>
      )}
    </>
  );
}

export function LinkRow({
  share,
  onEdit,
  onRevoke,
}: {
  share: Share;
  onEdit: () => void;
  onRevoke: () => void;
}) {
  const name = shareName(share);
  return (
    <li className={css.link}>
      <div className={css.linkText}>
        <span className={css.linkName}>
          {name}
          {share.has_password && (
            <LockKeyhole role="img" aria-label={t.share.hasPassword} />
          )}
        </span>
        <span className={css.meta}>
          <span>
            <Expires share={share} />
          </span>
          <span>
            <Opened share={share} />
          </span>
        </span>
      </div>
      <CopyButton text={share.url} label={`${t.share.copyLink}: ${name}`} />
      <Menu
        trigger={
          <IconButton
            size="small"
            label={t.share.actionsOf(name)}
            icon={<Ellipsis />}
          />
        }
      >
        <MenuItem icon={<Pencil />} onSelect={onEdit}>
          {t.share.edit}
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={<Ban />} danger onSelect={onRevoke}>
          {t.share.revoke}
        </MenuItem>
      </Menu>
    </li>
  );
}

/** One that works no more. */
export function OldLinkRow({ share }: { share: Share }) {
  const isRevoked = shareState(share) === "revoked";
  return (
    <li className={css.link} data-old>
      <div className={css.linkText}>
        <span className={css.linkName}>{shareName(share)}</span>
        <span className={css.meta}>
          <span>
            {isRevoked ? t.share.revoked : t.share.expired}{" "}
            <When time={(isRevoked ? share.revoked_at : share.expires_at)!} />
          </span>
          <span>
            <Opened share={share} />
          </span>
        </span>
      </div>
    </li>
  );
}
