// The turns of one project: those from before, the one that runs, and the one being sent.

import type { QueryClient } from "@tanstack/react-query";
import { getJson, isProblem, request, sendJson } from "../../api/http";
import { filesChanged, keys } from "../../api/queries";
import type {
  Generation,
  GenerationEvents,
  List,
  Model,
} from "../../api/types";
import { chosenModel } from "../../app/useModelChoice";
import type { Ask, Conversation, ConversationState, Turn } from "../context";
import { Value } from "../store";
import { Batch } from "./batch";
import { Draft } from "./draft";
import {
  idOf,
  isAnswer,
  isSending,
  noAnswer,
  NOTHING,
  type Entry,
} from "./entry";
import {
  follow,
  generationPath,
  readEvents,
  readStored,
  Watch,
} from "./follow";
import { exactCounts, LiveCounts } from "./liveCounts";
import { clearPendingAsk, pendingAsk, setPendingAsk } from "./pending";
import {
  advance,
  askedTurn,
  isRunning,
  recalledTurn,
  settledTurn,
  storedTurn,
  withCounts,
  type AnyEvent,
  type Progress,
} from "./progress";

const PAGE = 20;
const LOOK_EVERY_MS = 30_000;
const RETRY_MS = 5000;
/** A prompt that was on its way longer ago than this is put into the box, not sent. */
const PENDING_MAX_MS = 10 * 60_000;

class Store extends Value<ConversationState> implements Conversation {
  readonly draft: Draft;
  readonly #projectId: string;
  readonly #client: QueryClient;
  readonly #path: string;
  /** Oldest first. */
  #entries: Entry[] = [];
  /** Where the turns before these begin; null: there are none, undefined: not known yet. */
  #older: string | null | undefined;
  #open = new AbortController();
  #channel: BroadcastChannel | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #wantsCancel = false;
  #nextKey = 1;

  constructor(projectId: string, client: QueryClient) {
    super(NOTHING);
    this.#projectId = projectId;
    this.#client = client;
    this.#path = `/projects/${projectId}/generations`;
    this.draft = new Draft(projectId);
  }

  /* Coming and going */

  connect(): () => void {
    this.#open = new AbortController();
    const { signal } = this.#open;
    this.#channel = new BroadcastChannel(`slipway.${this.#projectId}`);
    this.#channel.onmessage = () => void this.#look();
    const look = () => !document.hidden && void this.#look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    addEventListener("online", look, { signal });
    addEventListener("focus", look, { signal });
    document.addEventListener("visibilitychange", look, { signal });
    addEventListener("pagehide", () => this.draft.save(), { signal });
    void this.#start();
    return () => {
      clearInterval(timer);
      clearTimeout(this.#retry);
      this.#open.abort();
      this.#channel?.close();
      this.#channel = null;
      this.draft.save();
      this.#entries.forEach((entry) => this.#disconnect(entry));
      this.#entries = this.#entries.filter((entry) => !isSending(entry));
    };
  }

  reload(): void {
    const cursor = this.#older;
    void (cursor ? this.#loadOlder(cursor) : this.#start());
  }

  async #start(): Promise<void> {
    const { signal } = this.#open;
    this.#patch({ loading: true, loadError: null });
    try {
      const page = await this.#page(null, signal);
      this.#merge(page);
      this.#patch({ loading: false });
      this.#sendPending(page.items);
      await this.#recall(this.#entries.at(-1), signal);
    } catch (error) {
      if (!signal.aborted) {
        this.#patch({ loading: false, loadError: error });
      }
    }
  }

  /** The last turn is shown as it was left, with what its steps printed. Without that it is shown too. */
  async #recall(entry: Entry | undefined, signal: AbortSignal) {
    if (!entry || isRunning(entry.progress.turn) || entry.progress.lastId > 0) {
      return;
    }
    const { turn } = entry.progress;
    try {
      const events = await readStored(this.#projectId, turn.id, signal);
      entry.progress = recalledTurn(entry.progress.turn, events);
      this.#publish();
    } catch {
      // Events are kept for some time only.
    }
  }

  #page(cursor: string | null, signal: AbortSignal) {
    const from = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    return getJson<List<Generation>>(`${this.#path}?limit=${PAGE}${from}`, {
      signal,
    });
  }

  loadOlder(): void {
    const cursor = this.#older;
    if (cursor && !this.getSnapshot().loading) {
      void this.#loadOlder(cursor);
    }
  }

  async #loadOlder(cursor: string): Promise<void> {
    const { signal } = this.#open;
    this.#patch({ loading: true, loadError: null });
    try {
      const page = await this.#page(cursor, signal);
      this.#older = page.next;
      const known = new Set(this.#entries.map(idOf));
      const rows = page.items.filter((row) => !known.has(row.id)).reverse();
      this.#entries.unshift(...rows.map((row) => this.#entryOf(row)));
      this.#patch({ loading: false });
    } catch (error) {
      if (!signal.aborted) {
        this.#patch({ loading: false, loadError: error });
      }
    }
  }

  /** Whether there is something new: another tab's turn, or what was missed. Quiet about failures. */
  async #look(): Promise<void> {
    const { signal } = this.#open;
    if (this.getSnapshot().loadError) {
      return this.#start();
    }
    try {
      this.#merge(await this.#page(null, signal));
    } catch {
      // It looks again soon.
    }
  }

  /** Takes in the newest generations, newest first. */
  #merge({ items: rows, next }: List<Generation>): void {
    const known = new Map(this.#entries.map((entry) => [idOf(entry), entry]));
    const settled = this.#entries.filter((entry) => !isSending(entry));
    const hasGap =
      settled.length > 0 &&
      rows.length === PAGE &&
      !rows.some((row) => known.has(row.id));
    if (hasGap) {
      // So much has happened meanwhile: begin anew.
      settled.forEach((entry) => this.#disconnect(entry));
      this.#entries = this.#entries.filter(isSending);
    }
    if (hasGap || this.#older === undefined) {
      this.#older = next;
    }
    for (const row of rows.toReversed()) {
      const entry = known.get(row.id) ?? this.#insert(row);
      if (row.state === "running") {
        this.#follow(entry);
      } else if (isRunning(entry.progress.turn) && !entry.connection) {
        this.#settle(entry, row);
      }
    }
    this.#publish();
  }

  /** A generation that is new here. It may be the one whose answer was lost on the way. */
  #insert(row: Generation): Entry {
    const { unsent } = this.getSnapshot();
    if (unsent && isAnswer(row, unsent.ask, Date.now() - PENDING_MAX_MS)) {
      this.dropUnsent();
    }
    const entry = this.#entryOf(row);
    const at = this.#entries.findIndex(isSending);
    this.#entries.splice(at < 0 ? this.#entries.length : at, 0, entry);
    return entry;
  }

  #entryOf(row: Generation): Entry {
    return this.#entry({ turn: storedTurn(row), lastId: 0 });
  }

  #entry(progress: Progress): Entry {
    const entry: Entry = {
      progress,
      connection: null,
      events: new Batch<AnyEvent>((events) => this.#advance(entry, events)),
      counts: new LiveCounts(this.#projectId, (counts) =>
        this.#change(entry, withCounts(entry.progress.turn, counts)),
      ),
    };
    return entry;
  }

  #disconnect(entry: Entry): void {
    entry.events.flush();
    entry.connection?.abort();
    entry.connection = null;
  }

  /* Asking */

  ask(asked: Ask): void {
    if (this.#entries.some(isSending)) {
      return;
    }
    const ask = { ...asked, model: asked.model ?? this.#chosenModel() };
    setPendingAsk(this.#projectId, ask);
    if (this.draft.getSnapshot().trim() === ask.prompt.trim()) {
      this.draft.set("");
    }
    const key = `sending-${this.#nextKey++}`;
    const turn = askedTurn(key, ask, Date.now());
    const entry = this.#entry({ turn, lastId: 0 });
    this.#entries.push(entry);
    this.#patch({ unsent: null });
    void this.#send(entry, ask);
  }

  #chosenModel(): string | undefined {
    const models = this.#client.getQueryData<List<Model>>(keys.models);
    return chosenModel(models?.items ?? []);
  }

  /** A prompt that was on its way when the page was left, or comes from the home page. */
  #sendPending(rows: Generation[]): void {
    const pending = pendingAsk(this.#projectId);
    if (!pending) {
      return;
    }
    const { at, ...ask } = pending;
    if (rows.some((row) => isAnswer(row, ask, at))) {
      clearPendingAsk(this.#projectId);
    } else if (Date.now() - at > PENDING_MAX_MS) {
      this.#putBack(ask);
    } else {
      this.ask(ask);
    }
  }

  async #send(entry: Entry, ask: Ask): Promise<void> {
    const connection = new AbortController();
    const watch = new Watch(
      AbortSignal.any([connection.signal, this.#open.signal]),
    );
    entry.connection = connection;
    let error: unknown = null;
    try {
      const response = await request(`/projects/${this.#projectId}/generate`, {
        method: "POST",
        json: { ...ask, prompt: ask.prompt || null },
        headers: { Accept: "text/event-stream" },
        signal: watch.signal,
        timeoutMs: null,
      });
      await readEvents(response, watch, (event) => {
        if (isSending(entry) && event.type === "generation") {
          this.#begin(entry, event.data as GenerationEvents["generation"]);
        }
        this.#take(entry, event);
      });
    } catch (e) {
      error = e;
    } finally {
      watch.stop();
    }
    if (connection.signal.aborted || this.#open.signal.aborted) {
      return;
    }
    entry.connection = null;
    if (isSending(entry)) {
      await this.#notSent(entry, ask, isProblem(error) ? error : noAnswer());
    } else if (isRunning(entry.progress.turn)) {
      this.#follow(entry);
    }
  }

  /** The server has it. */
  #begin(entry: Entry, { id }: GenerationEvents["generation"]): void {
    clearPendingAsk(this.#projectId);
    const twin = this.#entries.find((other) => idOf(other) === id);
    if (twin) {
      this.#disconnect(twin); // seen in the list before its answer came
      this.#entries = this.#entries.filter((other) => other !== twin);
    }
    this.#change(entry, { ...entry.progress.turn, id, state: "running" });
    this.#channel?.postMessage(id);
    if (this.#wantsCancel) {
      this.cancel().catch(() => {});
    }
  }

  async #notSent(entry: Entry, ask: Ask, error: unknown): Promise<void> {
    const isBusy = isProblem(error, 429, 503);
    if (isBusy && !this.#wantsCancel) {
      const waitMs = (error.retryAfterS ?? 0) * 1000 || RETRY_MS;
      this.#retry = setTimeout(() => {
        this.#patch({ unsent: null });
        void this.#send(entry, ask);
      }, waitMs);
      this.#patch({ unsent: { ask, error, retryAt: Date.now() + waitMs } });
      return;
    }
    this.#entries = this.#entries.filter((other) => other !== entry);
    this.#wantsCancel = false;
    this.#patch({
      unsent: isBusy ? null : { ask, error, retryAt: null }, // it was stopped: just as well
      cancelling: false,
    });
    this.#putBack(ask);
    if (isProblem(error, 0, 409)) {
      await this.#look(); // it may have arrived all the same
    }
  }

  #putBack(ask: Ask): void {
    clearPendingAsk(this.#projectId);
    this.draft.putBack(ask.prompt);
  }

  dropUnsent(): void {
    const { unsent } = this.getSnapshot();
    if (!unsent) {
      return;
    }
    clearTimeout(this.#retry);
    clearPendingAsk(this.#projectId);
    if (unsent.retryAt !== null) {
      this.#entries = this.#entries.filter((entry) => !isSending(entry));
      this.#putBack(unsent.ask);
    } else if (this.draft.getSnapshot() === unsent.ask.prompt) {
      this.draft.set("");
    }
    this.#patch({ unsent: null });
  }

  async cancel(): Promise<void> {
    const { running, unsent } = this.getSnapshot();
    if (!running) {
      return;
    }
    if (unsent?.retryAt) {
      this.dropUnsent();
      return;
    }
    this.#patch({ cancelling: true });
    this.#wantsCancel = running.state === "sending";
    if (this.#wantsCancel) {
      return; // until the server has said what it is called
    }
    try {
      await sendJson("POST", `${this.#path}/${running.id}/cancel`);
    } catch (error) {
      this.#patch({ cancelling: false });
      throw error;
    }
  }

  /* What happens in a turn */

  #follow(entry: Entry): void {
    if (entry.connection || this.#open.signal.aborted) {
      return;
    }
    entry.connection = new AbortController();
    void this.#followToEnd(
      entry,
      AbortSignal.any([entry.connection.signal, this.#open.signal]),
    );
  }

  async #followToEnd(entry: Entry, signal: AbortSignal): Promise<void> {
    try {
      await follow({
        projectId: this.#projectId,
        id: idOf(entry),
        after: () => {
          entry.events.flush();
          return entry.progress.lastId;
        },
        onEvent: (event) => this.#take(entry, event),
        onLost: (reconnecting) => {
          if (entry.progress.turn.reconnecting !== reconnecting) {
            this.#change(entry, { ...entry.progress.turn, reconnecting });
          }
        },
        signal,
      });
      if (isRunning(entry.progress.turn)) {
        await this.#finish(entry); // there was nothing left to tell
      }
    } catch {
      // It was left, or is not there any more.
    } finally {
      if (!signal.aborted) {
        entry.connection = null;
      }
    }
  }

  #take(entry: Entry, event: AnyEvent): void {
    entry.events.push(event);
    if (event.type === "done") {
      entry.events.flush();
    }
  }

  #advance(entry: Entry, events: AnyEvent[]): void {
    const now = Date.now();
    const before = entry.progress;
    entry.progress = events.reduce(
      (progress, event) => advance(progress, event, now),
      before,
    );
    const { turn } = entry.progress;
    if (turn.files !== before.turn.files) {
      entry.counts.update(turn);
    }
    this.#publish();
    if (turn.version !== null && turn.version !== before.turn.version) {
      void this.#versionMade(entry, turn.version);
    }
    if (isRunning(before.turn) && !isRunning(turn)) {
      void this.#finish(entry);
    }
  }

  async #versionMade(entry: Entry, version: number): Promise<void> {
    filesChanged(this.#client, this.#projectId);
    entry.counts.stop();
    const { baseVersion } = entry.progress.turn;
    if (baseVersion === null) {
      return;
    }
    try {
      const counts = await exactCounts(this.#projectId, baseVersion, version);
      this.#change(entry, withCounts(entry.progress.turn, counts));
    } catch {
      // The summary has them too, at the end.
    }
  }

  /** It is over: what the server has stored of it is what counts. */
  async #finish(entry: Entry): Promise<void> {
    entry.counts.stop();
    this.#wantsCancel = false;
    this.#patch({ cancelling: false });
    filesChanged(this.#client, this.#projectId);
    try {
      const path = generationPath(this.#projectId, idOf(entry));
      this.#settle(entry, await getJson<Generation>(path));
    } catch {
      // What its events said stays.
    }
  }

  #settle(entry: Entry, row: Generation): void {
    if (row.state !== "running") {
      this.#change(entry, settledTurn(entry.progress.turn, row));
    }
  }

  #change(entry: Entry, turn: Turn): void {
    entry.progress = { ...entry.progress, turn };
    this.#publish();
  }

  #publish(): void {
    this.#patch({});
  }

  #patch(change: Partial<ConversationState>): void {
    const turns = this.#entries.map((entry) => entry.progress.turn);
    this.set({
      ...this.getSnapshot(),
      turns,
      running: turns.findLast(isRunning) ?? null,
      hasOlder: Boolean(this.#older),
      ...change,
    });
  }
}

export function createConversation(
  projectId: string,
  client: QueryClient,
): Conversation & { connect(): () => void } {
  return new Store(projectId, client);
}
