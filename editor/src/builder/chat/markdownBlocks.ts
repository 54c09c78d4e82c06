// Markdown in pieces that can be shown each by itself: while an answer streams in, only the last one changes.

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const LIST_ITEM = /^ {0,3}(?:[-*+]|\d{1,9}[.)])\s/;

/** Splits at blank lines, but not within fenced code, nor between the items of a list. */
export function markdownBlocks(text: string): string[] {
  const blocks: string[] = [];
  let lines: string[] = [];
  let fence: string | null = null;
  let isAfterBlank = false;

  for (const line of text.split("\n")) {
    const mark = FENCE.exec(line)?.[1] ?? null;
    const isBlank = line.trim() === "";
    if (fence === null && isAfterBlank && !isBlank) {
      const isList = LIST_ITEM.test(lines.find((l) => l.trim()) ?? "");
      const goesOn = /^\s/.test(line) || (isList && LIST_ITEM.test(line));
      if (!goesOn) {
        blocks.push(lines.join("\n"));
        lines = [];
      }
    }
    lines.push(line);
    isAfterBlank = isBlank && fence === null;
    if (fence === null) {
      fence = mark;
    } else if (
      mark?.startsWith(fence) &&
      line.trim() === mark // a closing fence has no words after it
    ) {
      fence = null;
    }
  }
  if (lines.some((line) => line.trim())) {
    blocks.push(lines.join("\n"));
  }
  return blocks.filter((block) => block.trim());
}
