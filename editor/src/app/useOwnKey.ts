import { useMe } from "../api/queries";

/** A key of the storage for what only this account is to see again in this browser. */
export function useOwnKey(key: string): string {
  const me = useMe().data;
  return me ? `${key}.${me.id}` : key;
}
