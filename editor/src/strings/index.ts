import { en } from "./en";

/** What a language has to have: the same keys as English. */
export type Strings = typeof en;

/** The page's language. Another one is another file like en.ts, chosen here. */
export const t: Strings = en;
