import { diffArrays } from "diff";
import type { Counts } from "./progress";

const MAX_EDITS = 2000;
const TIMEOUT_MS = 30;

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") {
    lines.pop();
  }
  return lines;
}

/**
 * Lines of `text` that `base` does not have, and lines that are gone. While it is written, its last line is
 * not whole, and what `base` has after the last line in common may yet come: neither is counted.
 * Two texts with little in common are not compared for long: then only added lines are known.
 */
export function countLines(
  base: string,
  text: string,
  { isWriting = false } = {},
): Counts {
  const before = linesOf(base);
  const after = linesOf(text);
  if (isWriting && after.length > 0 && !text.endsWith("\n")) {
    after.pop();
  }
  let same = 0;
  while (same < before.length && before[same] === after[same]) {
    same++;
  }
  const [rest, written] = [before.slice(same), after.slice(same)];
  if (rest.length === 0 || written.length === 0) {
    return {
      additions: written.length,
      deletions: isWriting ? 0 : rest.length,
    };
  }
  const changes = diffArrays(rest, written, {
    maxEditLength: MAX_EDITS,
    timeout: TIMEOUT_MS,
  });
  if (!changes) {
    return { additions: written.length, deletions: null };
  }
  const lastCommon = changes.findLastIndex((c) => !c.added && !c.removed);
  const counts = { additions: 0, deletions: 0 };
  changes.forEach((change, at) => {
    if (change.added) {
      counts.additions += change.count;
    } else if (change.removed && !(isWriting && at > lastCommon)) {
      counts.deletions += change.count;
    }
  });
  return counts;
}
