// What the keys do in a plain text field that holds code.

export interface Edit {
  text: string;
  start: number;
  end: number;
}

const INDENT = "  ";

const lineStart = (text: string, at: number) =>
  text.lastIndexOf("\n", at - 1) + 1;

/** Tab: the selected lines go in, or two spaces at the cursor. */
export function indent({ text, start, end }: Edit): Edit {
  if (!text.slice(start, end).includes("\n")) {
    const at = start + INDENT.length;
    return {
      text: text.slice(0, start) + INDENT + text.slice(end),
      start: at,
      end: at,
    };
  }
  const from = lineStart(text, start);
  const block = text.slice(from, end);
  const moved = block.replace(/^(?=.)/gm, INDENT);
  return {
    text: text.slice(0, from) + moved + text.slice(end),
    start: start + (text[from] === "\n" ? 0 : INDENT.length),
    end: end + moved.length - block.length,
  };
}

/** Shift + Tab: the lines of the selection go out. */
export function outdent({ text, start, end }: Edit): Edit {
  const from = lineStart(text, start);
  const block = text.slice(from, end);
  const stop = end + (text.slice(end).match(/^[^\n]*/)?.[0].length ?? 0);
  const lines = text.slice(from, stop);
  const moved = lines.replace(/^(?: {1,2}|\t)/gm, "");
  const first = (lines.match(/^(?: {1,2}|\t)/)?.[0] ?? "").length;
  const beforeEnd = block.replace(/^(?: {1,2}|\t)/gm, "").length;
  return {
    text: text.slice(0, from) + moved + text.slice(stop),
    start: Math.max(from, start - first),
    end: Math.max(from, from + beforeEnd),
  };
}

/** Enter: the new line begins where the old one did, deeper after an opening bracket. */
export function newLine({ text, start, end }: Edit): Edit {
  const line = text.slice(lineStart(text, start), start);
  const space = line.match(/^[ \t]*/)![0];
  const added = `\n${space}${/[{([]\s*$/.test(line) ? INDENT : ""}`;
  const at = start + added.length;
  return {
    text: text.slice(0, start) + added + text.slice(end),
    start: at,
    end: at,
  };
}

export const lineCount = (text: string): number => text.split("\n").length;
