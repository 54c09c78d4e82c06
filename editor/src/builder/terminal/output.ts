// A program can print faster than a page can show. What is beyond the limit is left out, so that the page
// stays quick and Ctrl+C is heard.

const HIGH_BYTES = 4 * 1024 * 1024;
const LOW_BYTES = 512 * 1024;

export class Output {
  #waiting = 0;
  #isSkipping = false;

  /** `write` calls back when what it was given is shown. */
  constructor(
    readonly write: (data: Uint8Array | string, done: () => void) => void,
    readonly leftOut: string,
  ) {}

  add(bytes: Uint8Array): void {
    if (this.#waiting > HIGH_BYTES) {
      this.#isSkipping = true;
    }
    if (this.#isSkipping) {
      if (this.#waiting > LOW_BYTES) {
        return;
      }
      this.#isSkipping = false;
      this.write(this.leftOut, () => {});
    }
    this.#waiting += bytes.length;
    this.write(bytes, () => {
      this.#waiting -= bytes.length;
    });
  }
}
