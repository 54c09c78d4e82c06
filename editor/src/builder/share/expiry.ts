// When a share link ends: as it is chosen, as it is sent, and what has become of it.

import type { Share } from "../../api/types";
import { t } from "../../strings";

export const PRESETS = ["3600", "86400", "604800", "2592000"] as const;

export type Expiry = (typeof PRESETS)[number] | "never" | "custom" | "keep";

export const EXPIRIES = [...PRESETS, "never", "custom"] as const;

export type ExpiryFields =
  { expires_in_s: number } | { expires_at: string | null } | object;

const TEN_YEARS_MS = 10 * 365 * 86_400_000;

/** The fields of a request; null when the date is none that can be. `date` is what a datetime-local field holds. */
export function expiryFields(
  expiry: Expiry,
  date: string,
  now = Date.now(),
): ExpiryFields | null {
  if (expiry === "keep") {
    return {};
  }
  if (expiry === "never") {
    return { expires_at: null };
  }
  if (expiry !== "custom") {
    return { expires_in_s: Number(expiry) };
  }
  const time = Date.parse(date);
  return time > now && time <= now + TEN_YEARS_MS
    ? { expires_at: new Date(time).toISOString() }
    : null;
}

/** A time as a datetime-local field wants it: this place's, without seconds. */
export function localDate(time: number): string {
  const offsetMs = new Date(time).getTimezoneOffset() * 60_000;
  return new Date(time - offsetMs).toISOString().slice(0, 16);
}

export type ShareState = "live" | "expired" | "revoked";

export function shareState(share: Share, now = Date.now()): ShareState {
  if (share.revoked_at) {
    return "revoked";
  }
  return share.expires_at && Date.parse(share.expires_at) <= now
    ? "expired"
    : "live";
}

export const shareName = (share: Share) => share.name || t.share.unnamed;
