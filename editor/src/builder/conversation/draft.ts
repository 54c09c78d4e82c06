import { isString, recall, remember } from "../../app/storage";
import { Value } from "../store";

const SAVE_MS = 300;

/** The words in the box, kept in this browser until they are sent. */
export class Draft extends Value<string> {
  readonly #key: string;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(projectId: string) {
    const key = `draft.${projectId}`;
    super(recall(key, isString) ?? "");
    this.#key = key;
  }

  override set(text: string): void {
    super.set(text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), SAVE_MS);
  }

  /** Puts words back before what has been typed since; not twice. */
  putBack(words: string): void {
    const typed = this.getSnapshot();
    if (!typed.startsWith(words)) {
      this.set([words, typed].filter(Boolean).join("\n\n"));
    }
  }

  save(): void {
    clearTimeout(this.#timer);
    remember(this.#key, this.getSnapshot() || null);
  }
}
