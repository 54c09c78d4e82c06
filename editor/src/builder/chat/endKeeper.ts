// A scrolled list whose end stays in view while the reader is there, and only then.

import { Value } from "../store";

const NEAR_PX = 48;

export class EndKeeper {
  /** Whether the end is in view. */
  readonly atEnd = new Value(true);
  #isStuck = true;
  #box: HTMLElement | null = null;
  #first = "";
  #height = 0;

  /** `content` is what grows within `box`. Returns the way out. */
  attach(box: HTMLElement, content: HTMLElement): () => void {
    this.#box = box;
    let top = box.scrollTop;
    const onScroll = () => {
      // Content that grows moves the end away, not the reader: only going up lets go.
      if (this.#left(box) < NEAR_PX) {
        this.#isStuck = true;
      } else if (box.scrollTop < top) {
        this.#isStuck = false;
      }
      top = box.scrollTop;
      this.atEnd.set(this.#isStuck);
    };
    const observer = new ResizeObserver(() => {
      if (this.#isStuck) {
        box.scrollTop = box.scrollHeight;
      }
      this.#height = box.scrollHeight;
    });
    observer.observe(content);
    observer.observe(box);
    box.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      this.#box = null;
      observer.disconnect();
      box.removeEventListener("scroll", onScroll);
    };
  }

  toEnd = (): void => {
    this.#isStuck = true;
    this.atEnd.set(true);
    this.#box?.scrollTo({ top: this.#box.scrollHeight });
  };

  /** After each rendering: what is read stays where it is when earlier items came in above it. */
  rendered(keys: readonly string[]): void {
    const first = keys[0] ?? "";
    if (this.#box && first !== this.#first && keys.includes(this.#first)) {
      this.#box.scrollTop += this.#box.scrollHeight - this.#height;
    }
    this.#first = first;
    this.#height = this.#box?.scrollHeight ?? 0;
  }

  #left(box: HTMLElement): number {
    return box.scrollHeight - box.scrollTop - box.clientHeight;
  }
}
