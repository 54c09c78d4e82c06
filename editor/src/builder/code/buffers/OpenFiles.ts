import { Value } from "../../store";
import { newBuffer, newInner, type Buffer, type Inner } from "./buffer";
import { nextState, type BufferEvent } from "./machine";

export type Snapshot = ReadonlyMap<string, Buffer>;

/** The open files by their paths: what is shown of each, and what belongs to it and is not. */
export class OpenFiles extends Value<Snapshot> {
  readonly #inner = new Map<string, Inner>();

  constructor() {
    super(new Map());
  }

  get(path: string): Buffer | undefined {
    return this.getSnapshot().get(path);
  }

  inner(path: string): Inner | undefined {
    return this.#inner.get(path);
  }

  add(path: string, buffer = newBuffer(path), inner = newInner()): void {
    this.#inner.set(path, inner);
    this.set(new Map(this.getSnapshot()).set(path, buffer));
  }

  drop(path: string): void {
    const inner = this.#inner.get(path);
    this.#inner.delete(path);
    const rest = new Map(this.getSnapshot());
    rest.delete(path);
    this.set(rest);
    inner?.doc?.dispose();
  }

  change(path: string, change: Partial<Buffer>): void {
    const buffer = this.get(path);
    if (buffer) {
      this.set(new Map(this.getSnapshot()).set(path, { ...buffer, ...change }));
    }
  }

  /** Does what the table says; false: nothing, as this does not happen in that state. */
  happen(
    path: string,
    event: BufferEvent,
    change: Partial<Buffer> = {},
  ): boolean {
    const buffer = this.get(path);
    const state = buffer ? nextState(buffer.state, event) : null;
    if (!buffer || !state) {
      return false;
    }
    if (state !== buffer.state || Object.keys(change).length > 0) {
      this.change(path, { ...change, state });
    }
    return true;
  }
}
