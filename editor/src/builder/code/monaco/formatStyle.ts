// How a text is written already, so that formatting it changes as little as can be.

export interface FormatStyle {
  singleQuote: boolean;
  semi: boolean;
}

const count = (text: string, pattern: RegExp): number =>
  text.match(pattern)?.length ?? 0;

/** What most of its lines do; where there is nothing to go by, Prettier's own way. */
export function formatStyle(text: string): FormatStyle {
  const single = count(text, /'[^'"\n]*'/g);
  const double = count(text, /"[^'"\n]*"/g);
  const ended = count(text, /;[ \t]*$/gm);
  const open = count(text, /[\w)\]"'`][ \t]*$/gm);
  return {
    singleQuote: single > double,
    semi: ended > 0 || open < 3,
  };
}
