// A project's name, made of its first prompt.

const MAX_WORDS = 6;
const MAX_CHARACTERS = 48;

// How people begin to ask; it says nothing about the thing.
const OPENINGS =
  /^(?:(?:please|hi|hello|hey)[\s,.!:]+|(?:can|could|would) you (?:please )?|i(?:'d like| want| need| would like)(?: you)?(?: to)? |(?:make|create|build|write|design|generate|develop|code)(?: me| us)? |(?:an?|the|some|my) )/i;

function withoutOpening(text: string): string {
  for (;;) {
    const rest = text.replace(OPENINGS, "");
    if (rest === text || rest === "") {
      return text;
    }
    text = rest;
  }
}

/** The first clause, a few words of it; null when there are none. */
export function projectName(prompt: string): string | null {
  const text = prompt
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .replace(/[*_#`>]+/g, "")
    .trim();
  const clause = withoutOpening(text).split(
    /[.,:;!?()[\]{}]+(?:\s|$)| [-–—] /,
  )[0]!;
  const words: string[] = [];
  for (const word of clause.trim().split(" ").slice(0, MAX_WORDS)) {
    if ([...words, word].join(" ").length > MAX_CHARACTERS) {
      break;
    }
    words.push(word);
  }
  while (
    words.length > 1 &&
    /^(?:an?|and|for|in|of|on|or|the|to|that|with|using)$/i.test(words.at(-1)!)
  ) {
    words.pop();
  }
  // One word too long for a name is cut between characters.
  const name =
    words.join(" ") || [...clause.trim()].slice(0, MAX_CHARACTERS).join("");
  return name ? name.charAt(0).toUpperCase() + name.slice(1) : null;
}
