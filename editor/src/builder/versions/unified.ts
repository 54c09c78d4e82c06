// A unified diff of one file as rows to show.

export interface DiffLine {
  kind: "same" | "added" | "removed" | "note";
  text: string;
  /** Numbers of the line in the older and the newer file. */
  old: number | null;
  new: number | null;
}

export interface Hunk {
  /** What stands behind the second "@@": mostly the function it is in. */
  context: string;
  oldStart: number;
  newStart: number;
  lines: DiffLine[];
}

const HEAD = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/;

/** Its hunks; what is no part of one (names of files) is left out. */
export function parseUnified(diff: string): Hunk[] {
  const hunks: Hunk[] = [];
  let hunk: Hunk | undefined;
  let oldLine = 0;
  let newLine = 0;
  const lines = diff.split("\n");
  if (lines.at(-1) === "") {
    lines.pop();
  }
  for (const line of lines) {
    const head = HEAD.exec(line);
    if (head) {
      oldLine = Number(head[1]);
      newLine = Number(head[2]);
      hunk = {
        context: head[3] ?? "",
        oldStart: oldLine,
        newStart: newLine,
        lines: [],
      };
      hunks.push(hunk);
      continue;
    }
    if (!hunk) {
      continue;
    }
    const text = line.slice(1).replace(/\r$/, "");
    if (line.startsWith("+")) {
      hunk.lines.push({ kind: "added", text, old: null, new: newLine++ });
    } else if (line.startsWith("-")) {
      hunk.lines.push({ kind: "removed", text, old: oldLine++, new: null });
    } else if (line.startsWith("\\")) {
      hunk.lines.push({
        kind: "note",
        text: text.trim(),
        old: null,
        new: null,
      });
    } else {
      hunk.lines.push({
        kind: "same",
        text,
        old: oldLine++,
        new: newLine++,
      });
    }
  }
  return hunks;
}

export const lineCount = (hunks: readonly Hunk[]): number =>
  hunks.reduce((n, hunk) => n + hunk.lines.length, 0);

/** The first `max` lines of all hunks together. */
export function firstLines(hunks: readonly Hunk[], max: number): Hunk[] {
  const shown: Hunk[] = [];
  let left = max;
  for (const hunk of hunks) {
    if (left <= 0) {
      break;
    }
    shown.push({ ...hunk, lines: hunk.lines.slice(0, left) });
    left -= hunk.lines.length;
  }
  return shown;
}
