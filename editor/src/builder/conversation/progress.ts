// A turn made of its events: the same turn whether they came live, again after a break, or all at once.

import type {
  FileEvent,
  Generation,
  GenerationEvent,
  GenerationEvents,
  OutputEvent,
  StepEvent,
} from "../../api/types";
import type { Ask, Turn, TurnFile, TurnStep } from "../context";

/** An event as it came: its type may be one that is not known here. */
export interface AnyEvent {
  id: number;
  type: string;
  data: unknown;
}

export interface Progress {
  turn: Turn;
  /** Of the last event taken in. Events are numbered from 1; what comes twice counts once. */
  lastId: number;
}

/** Kept of what a step printed: the end of it. */
const OUTPUT_MAX_CHARACTERS = 200_000;

const ENDS = ["finished", "failed", "skipped", "listening"];

export const hasEnded = (step: TurnStep): boolean =>
  ENDS.includes(step.last.state);

export const isRunning = (turn: Turn): boolean =>
  turn.state === "running" || turn.state === "sending";

export function askedTurn(id: string, ask: Ask, now: number): Turn {
  return {
    id,
    key: id,
    mode: ask.mode,
    prompt: ask.prompt,
    model: ask.model ?? null,
    state: "sending",
    reply: "",
    files: [],
    steps: [],
    baseVersion: null,
    version: null,
    parent: null,
    overwrote: [],
    preview: null,
    error: null,
    startedAt: now,
    finishedAt: null,
    reconnecting: false,
  };
}

/** A turn as the list of generations has it; of one that runs, the events say the rest. */
export function storedTurn(g: Generation): Turn {
  const { summary } = g;
  return {
    ...askedTurn(
      g.id,
      { prompt: g.prompt ?? "", mode: g.mode, model: g.model },
      Date.parse(g.started_at),
    ),
    state: g.state,
    reply: g.reply ?? "",
    files: (summary?.files ?? []).map((file) => ({
      path: file.path,
      state: file.state,
      text: null,
      reason: file.reason ?? null,
      additions: file.additions ?? null,
      deletions: file.deletions ?? null,
    })),
    steps: (summary?.steps ?? []).map((last) => ({
      name: last.name,
      last,
      startedAt: (last.at ?? 0) - (last.duration_ms ?? 0),
      output: [],
    })),
    baseVersion: g.base_version ?? null,
    version: g.version,
    preview: summary?.preview ?? null,
    error: g.error,
    finishedAt: g.finished_at ? Date.parse(g.finished_at) : null,
  };
}

function withFile(files: TurnFile[], event: FileEvent): TurnFile[] {
  const known = files.find((file) => file.path === event.path);
  const isWriting = event.state === "writing";
  // The first piece of a file says 0 bytes: it is written anew from there.
  const before = isWriting && !event.bytes ? "" : (known?.text ?? "");
  const text = isWriting ? before + (event.delta ?? "") : (known?.text ?? null);
  const file: TurnFile = {
    path: event.path,
    state: event.state,
    text: event.state === "deleted" ? null : text,
    reason: event.reason ?? null,
    additions: known?.additions ?? null,
    deletions: known?.deletions ?? null,
  };
  return known
    ? files.map((other) => (other === known ? file : other))
    : [...files, file];
}

function withStep(steps: TurnStep[], event: StepEvent, now: number) {
  const known = steps.find((step) => step.name === event.name);
  if (known) {
    return steps.map((step) =>
      step === known ? { ...step, last: { ...event } } : step,
    );
  }
  const startedAt = (event.at ?? now) - (event.duration_ms ?? 0);
  return [...steps, { name: event.name, last: event, startedAt, output: [] }];
}

function withPiece(step: TurnStep, { stream, data }: OutputEvent): TurnStep {
  const last = step.output.at(-1);
  const output =
    last?.stream === stream
      ? [...step.output.slice(0, -1), { stream, text: last.text + data }]
      : [...step.output, { stream, text: data }];
  let over =
    output.reduce((sum, piece) => sum + piece.text.length, 0) -
    OUTPUT_MAX_CHARACTERS;
  while (over > 0 && output[0]) {
    const cut = Math.min(over, output[0].text.length);
    over -= cut;
    if (cut === output[0].text.length) {
      output.shift();
    } else {
      output[0] = { ...output[0], text: output[0].text.slice(cut) };
    }
  }
  return { ...step, output };
}

/** The step that printed it: the one its source names, else the one under way, else the last. */
function withOutput(steps: TurnStep[], event: OutputEvent, now: number) {
  const named = {
    install: steps.findLast((step) => step.name === "install"),
    app: steps.findLast((step) => ["start", "check"].includes(step.name)),
  };
  const step =
    (event.source && named[event.source]) ??
    steps.findLast((other) => !hasEnded(other)) ??
    steps.at(-1);
  if (!step) {
    const run: StepEvent = { name: "run", state: "started", at: now };
    const begun = { name: run.name, last: run, startedAt: now, output: [] };
    return [withPiece(begun, event)];
  }
  return steps.map((other) =>
    other === step ? withPiece(step, event) : other,
  );
}

type Reducers = {
  [K in keyof GenerationEvents]: (
    turn: Turn,
    data: GenerationEvents[K],
    now: number,
  ) => Turn;
};

const REDUCERS: Reducers = {
  generation: (turn, data) => ({
    ...turn,
    id: data.id,
    mode: data.mode,
    model: data.model,
    state: turn.state === "sending" ? "running" : turn.state,
    baseVersion: data.base_version ?? null,
  }),
  message: (turn, data) => ({ ...turn, reply: turn.reply + data.delta }),
  file: (turn, data) => ({ ...turn, files: withFile(turn.files, data) }),
  step: (turn, data, now) => ({
    ...turn,
    steps: withStep(turn.steps, data, now),
  }),
  output: (turn, data, now) => ({
    ...turn,
    steps: withOutput(turn.steps, data, now),
  }),
  usage: (turn) => turn,
  version: (turn, data) => ({
    ...turn,
    version: data.version,
    parent: data.parent,
    overwrote: data.overwrote ?? [],
  }),
  preview: (turn, data) => ({ ...turn, preview: data }),
  error: (turn, data) => ({ ...turn, error: data }),
  done: (turn, data, now) => ({
    ...turn,
    state: data.state,
    version: data.version ?? turn.version,
    finishedAt: now,
    reconnecting: false,
  }),
};

const isKnown = (event: AnyEvent): event is GenerationEvent =>
  Object.hasOwn(REDUCERS, event.type) &&
  typeof event.data === "object" &&
  event.data !== null;

/** Takes in one event. What is not known, and what was there already, changes nothing. */
export function advance(
  progress: Progress,
  event: AnyEvent,
  now: number,
): Progress {
  if (event.id <= progress.lastId) {
    return progress;
  }
  const turn = isKnown(event)
    ? (REDUCERS[event.type] as (t: Turn, d: unknown, n: number) => Turn)(
        progress.turn,
        event.data,
        now,
      )
    : progress.turn;
  return { turn, lastId: event.id };
}

/** What the stored generation says of a turn that has ended, over what its events said. */
export function settledTurn(turn: Turn, g: Generation): Turn {
  const stored = storedTurn(g);
  const counts = new Map(stored.files.map((file) => [file.path, file]));
  return {
    ...turn,
    state: stored.state,
    reply: turn.reply || stored.reply,
    files: turn.files.length > 0 ? turn.files.map(known) : stored.files,
    steps: turn.steps.length > 0 ? turn.steps : stored.steps,
    version: stored.version ?? turn.version,
    preview: turn.preview ?? stored.preview,
    error: turn.error ?? stored.error,
    finishedAt: stored.finishedAt ?? turn.finishedAt,
    reconnecting: false,
  };
  function known(file: TurnFile): TurnFile {
    const { additions, deletions } = counts.get(file.path) ?? file;
    return additions === null ? file : { ...file, additions, deletions };
  }
}

/** Gives a stored turn what only its events have: what its steps printed, and whom it overwrote. */
export function recalledTurn(turn: Turn, events: AnyEvent[]): Progress {
  const { prompt, mode } = turn;
  const { turn: told, lastId } = events.reduce(
    (progress, event) => advance(progress, event, turn.startedAt),
    { turn: askedTurn(turn.id, { prompt, mode }, 0), lastId: 0 },
  );
  return {
    turn: {
      ...turn,
      reply: turn.reply || told.reply,
      files: turn.files.length > 0 ? turn.files : told.files,
      steps: told.steps.length > 0 ? told.steps : turn.steps,
      baseVersion: turn.baseVersion ?? told.baseVersion,
      parent: told.parent,
      overwrote: told.overwrote,
    },
    lastId,
  };
}

export interface Counts {
  additions: number | null;
  deletions: number | null;
}

/** Puts counts of lines beside the files. */
export function withCounts(
  turn: Turn,
  counts: ReadonlyMap<string, Counts>,
): Turn {
  return {
    ...turn,
    files: turn.files.map((file) => {
      const found = counts.get(file.path);
      return found ? { ...file, ...found } : file;
    }),
  };
}
