/** Something to be tried again: later each time, until it has gone well. */
export class Retry {
  readonly #run: () => void;
  readonly #firstMs: number;
  readonly #maxMs: number;
  #ms: number;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(run: () => void, firstMs: number, maxMs: number) {
    this.#run = run;
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#ms = firstMs;
  }

  /** It failed; `afterS` is when the server said to come back. */
  later(afterS: number | null): void {
    if (this.#timer) {
      return;
    }
    const ms = afterS ? afterS * 1000 : this.#ms;
    this.#ms = Math.min(this.#ms * 2, this.#maxMs);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#run();
    }, ms);
  }

  /** It went well: the next failure begins anew. */
  reset(): void {
    this.#ms = this.#firstMs;
  }

  stop(): void {
    if (this.#timer) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }
}
