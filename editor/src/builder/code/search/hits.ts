import type { SearchHit } from "../../../api/types";

export interface HitGroup {
  path: string;
  hits: SearchHit[];
}

/** By file, in the order they came. */
export function groupHits(hits: readonly SearchHit[]): HitGroup[] {
  const groups = new Map<string, HitGroup>();
  for (const hit of hits) {
    const group = groups.get(hit.path) ?? { path: hit.path, hits: [] };
    group.hits.push(hit);
    groups.set(hit.path, group);
  }
  return [...groups.values()];
}

/** The characters of a line that are shown before what was found. */
const LEAD = 24;

/**
 * A line in three: before what was found, that, and after. The server has cut long lines around the place, so
 * it is looked for once more.
 */
export function markedLine(
  text: string,
  query: string,
): [string, string, string] {
  const at = text.toLowerCase().indexOf(query.toLowerCase());
  if (at < 0) {
    return [text.trimStart(), "", ""];
  }
  const before = text.slice(0, at).trimStart();
  return [
    before.length > LEAD ? `…${before.slice(-LEAD)}` : before,
    text.slice(at, at + query.length),
    text.slice(at + query.length),
  ];
}
