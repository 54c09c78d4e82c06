// Many events, one rendering: what comes within a frame is taken in together.

const HIDDEN_MS = 250; // a hidden page has no frames

export class Batch<T> {
  #items: T[] = [];
  #frame = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #take: (items: T[]) => void;

  constructor(take: (items: T[]) => void) {
    this.#take = take;
  }

  push(item: T): void {
    this.#items.push(item);
    if (this.#timer === undefined) {
      this.#frame = requestAnimationFrame(() => this.flush());
      this.#timer = setTimeout(() => this.flush(), HIDDEN_MS);
    }
  }

  flush(): void {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#items.length > 0) {
      this.#take(this.#items.splice(0));
    }
  }
}
