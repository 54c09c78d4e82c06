// Places in files that a program's output names: "src/App.tsx:12:5", "/workspace/server.js:3", frames of
// stacks with the page's addresses. Only files that the project has are places.

export interface Place {
  path: string;
  line?: number;
  column?: number;
}

export interface Piece {
  text: string;
  place?: Place;
}

const TEXT_MAX = 8192; // what is beyond it is shown without links

// A path, perhaps with an address before it and a query behind it; then :line:column, (line,column) or
// nothing. Each part is tried once: no text makes it slow.
const CANDIDATE =
  /([a-z][a-z-]*:\/\/[^\s/"'`()<>]*)?([^\s"'`()<>:,?#]+)(?:[?#][^\s"'`()<>:]*)?(?::(\d{1,7})(?::(\d{1,7}))?|[ ]?\((\d{1,7})[,:](\d{1,7})\))?/gi;

const number = (digits: string | undefined): number | undefined =>
  digits === undefined ? undefined : Number(digits);

/** The project's path that is meant, as far as it has one. */
function pathOf(
  named: string,
  hasFile: (path: string) => boolean,
): string | null {
  let path = named
    .replace(/^\/workspace\//, "")
    .replace(/^(?:\.?\/)+/, "")
    .replace(/[.;]+$/, "");
  if (path.includes("%")) {
    try {
      path = decodeURIComponent(path);
    } catch {
      return null;
    }
  }
  // A dev server's address of what lies in "public" leaves that out.
  return [path, `public/${path}`].find(hasFile) ?? null;
}

const isServed = (host: string | undefined): boolean =>
  host !== undefined && /^https?:/i.test(host);

/** A page has these in another form than they were written in, with other lines. */
const TRANSLATED = /\.(?:tsx?|jsx|mts|cts|vue|svelte|astro)$/;

const placeIn = (
  path: string,
  served: boolean,
  at: Omit<Place, "path">,
): Place => (served && TRANSLATED.test(path) ? { path } : { path, ...at });

/** The text in pieces, those that name a place with it. Joined they are the text. */
export function findPlaces(
  text: string,
  hasFile: (path: string) => boolean,
): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.slice(0, TEXT_MAX).matchAll(CANDIDATE)) {
    const [all, host, named = "", line, column, line2, column2] = match;
    // A bare word is hardly ever meant as a file: a path or a name with an ending is.
    const path = /[./]/.test(named) ? pathOf(named, hasFile) : null;
    if (!path) {
      continue;
    }
    if (match.index > end) {
      pieces.push({ text: text.slice(end, match.index) });
    }
    end = match.index + all.length;
    pieces.push({
      text: all,
      place: placeIn(path, isServed(host), {
        line: number(line ?? line2),
        column: number(column ?? column2),
      }),
    });
  }
  if (end < text.length) {
    pieces.push({ text: text.slice(end) });
  }
  return pieces;
}

/** The place that an address with a line names, as an error of a page has it. */
export function placeOfUrl(
  at: { url: string; line: number; column: number } | null,
  hasFile: (path: string) => boolean,
): Place | null {
  if (!at || !URL.canParse(at.url)) {
    return null;
  }
  const path = pathOf(new URL(at.url).pathname, hasFile);
  return path
    ? placeIn(path, true, {
        line: at.line || undefined,
        column: at.column || undefined,
      })
    : null;
}

/** The text cut at each occurrence of `query`, case aside; the odd pieces are occurrences. */
export function splitByQuery(text: string, query: string): string[] {
  if (query === "") {
    return [text];
  }
  const pieces: string[] = [];
  const haystack = text.toLowerCase();
  const needle = query.toLowerCase();
  // Lower case can be longer than what it stands for ("İ"): then nothing is marked.
  if (haystack.length !== text.length) {
    return [text];
  }
  let from = 0;
  for (
    let at = haystack.indexOf(needle);
    at >= 0;
    at = haystack.indexOf(needle, from)
  ) {
    pieces.push(text.slice(from, at), text.slice(at, at + needle.length));
    from = at + needle.length;
  }
  pieces.push(text.slice(from));
  return pieces;
}
