// Fuzzy matching of paths, for "Go to file".

export interface FuzzyMatch {
  path: string;
  score: number;
  /** Where the letters of the query are in the path. */
  positions: number[];
}

const isStart = (path: string, i: number): boolean => {
  const before = path[i - 1];
  return (
    before === undefined ||
    "/-_. ".includes(before) ||
    (before === before.toLowerCase() && path[i] !== path[i]!.toLowerCase())
  );
};

/** Greedy from the end of the path, where the file's name is: it finds a match whenever there is one. */
function positionsFromEnd(path: string, query: string): number[] | null {
  const positions: number[] = [];
  let at = path.length - 1;
  for (let q = query.length - 1; q >= 0; q--) {
    at = path.lastIndexOf(query[q]!, at);
    if (at < 0) {
      return null;
    }
    positions.unshift(at);
    at--;
    if (at < 0 && q > 0) {
      return null;
    }
  }
  return positions;
}

function score(path: string, positions: number[]): number {
  const nameAt = path.lastIndexOf("/") + 1;
  let total = 0;
  positions.forEach((at, i) => {
    total += 1;
    total += at === positions[i - 1]! + 1 ? 6 : 0;
    total += isStart(path, at) ? 5 : 0;
    total += at >= nameAt ? 4 : 0;
  });
  return total - path.length / 50;
}

export function fuzzyMatch(path: string, query: string): FuzzyMatch | null {
  const wanted = query.toLowerCase().replace(/\s+/g, "");
  const lower = path.toLowerCase();
  if (wanted === "") {
    return { path, score: 0, positions: [] };
  }
  const candidates = [positionsFromEnd(lower, wanted)];
  const whole = lower.lastIndexOf(wanted);
  if (whole >= 0) {
    candidates.push([...wanted].map((_, i) => whole + i));
  }
  let best: FuzzyMatch | null = null;
  for (const positions of candidates) {
    const match = positions && {
      path,
      score: score(path, positions),
      positions,
    };
    if (match && (!best || match.score > best.score)) {
      best = match;
    }
  }
  return best;
}

/** The best matches, best first; without a query the recent ones, then the others by path. */
export function fuzzySearch(
  paths: readonly string[],
  query: string,
  recent: readonly string[] = [],
  max = 50,
): FuzzyMatch[] {
  const rank = (path: string): number => {
    const i = recent.indexOf(path);
    return i < 0 ? 0 : recent.length - i;
  };
  return paths
    .map((path) => fuzzyMatch(path, query))
    .filter((match) => match !== null)
    .sort(
      (a, b) =>
        b.score - a.score ||
        rank(b.path) - rank(a.path) ||
        (a.path < b.path ? -1 : 1),
    )
    .slice(0, max);
}
