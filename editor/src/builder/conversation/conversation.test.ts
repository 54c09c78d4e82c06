import { readFileSync } from "node:fs";
import { join } from "node:path";
import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { keys } from "../../api/queries";
import type { Generation } from "../../api/types";
import { remember } from "../../app/storage";
import { t } from "../../strings";
import { createConversation } from "./conversation";
import { pendingAsk, setPendingAsk } from "./pending";

const row = (more: Partial<Generation> = {}): Generation => ({
  id: "g1",
  project_id: "p",
  mode: "build",
  prompt: "a clock",
  provider: "openai",
  model: "m",
  state: "done",
  base_version: 0,
  version: 1,
  error: null,
  cancel_requested: false,
  usage: { prompt_tokens: null, completion_tokens: null },
  reply: "Done.",
  summary: null,
  started_at: new Date().toISOString(),
  finished_at: new Date().toISOString(),
  ...more,
});

const json = (body: unknown, status = 200, headers = {}) =>
  new Response(JSON.stringify(body), { status, headers });

const problem = (status: number, headers = {}) =>
  json({ type: "/x", title: "X", status, detail: "why" }, status, headers);

const sse = (id: number, type: string, data: unknown) =>
  `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

const GENERATION = sse(1, "generation", {
  id: "g1",
  project_id: "p",
  mode: "build",
  provider: "openai",
  model: "m",
  state: "running",
  base_version: 0,
});
const word = (id: number) => sse(id, "message", { delta: `w${id} ` });
const DONE = sse(9, "done", { state: "done", version: 1 });

/** A stream in the test's hands. */
function held() {
  let control: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    start: (c) => {
      control = c;
    },
  });
  const encoder = new TextEncoder();
  return {
    response: new Response(body),
    say: (text: string) => control.enqueue(encoder.encode(text)),
    end: () => control.close(),
    tear: () => control.error(new TypeError("network error")),
  };
}

type Handler = (url: string, init: RequestInit) => Response | Promise<Response>;

/** The server: what it answers, by the end of the address. */
class Server {
  readonly calls: string[] = [];
  list: Generation[] = [];
  /** Answers for the pages after the first. */
  older: Handler | null = null;
  post: Handler = () => problem(500);
  events: Handler = () => new Response(null, { status: 204 });

  fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const path = url.replace("/api/v1/projects/p", "");
    this.calls.push(`${init.method} ${path}`);
    init.signal?.throwIfAborted();
    if (path === "/generate") {
      return this.post(path, init);
    }
    if (path.includes("/events")) {
      return this.events(path, init);
    }
    if (path.includes("&cursor=")) {
      return this.older!(path, init);
    }
    if (path.startsWith("/generations?")) {
      return json({ items: this.list, next: this.older && "second" });
    }
    const found = this.list.find((g) => path === `/generations/${g.id}`);
    return found ? json(found) : problem(404);
  };
}

let server: Server;
let leave: () => void;

beforeEach(() => {
  server = new Server();
  vi.stubGlobal("fetch", server.fetch);
});
afterEach(() => {
  leave();
  vi.unstubAllGlobals();
});

function open(client = new QueryClient()) {
  const conversation = createConversation("p", client);
  leave = conversation.connect();
  return conversation;
}

const FIX_PROMPT = "../../../../prompts/ask.fix.txt";
const ASK = { prompt: "a clock", mode: "build" } as const;

describe("the conversation", () => {
  it("shows the turns from before, oldest first", async () => {
    server.list = [row({ id: "g2", prompt: "more" }), row()];
    const conversation = open();
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().turns.map((turn) => turn.id)).toEqual([
        "g1",
        "g2",
      ]),
    );
    expect(conversation.getSnapshot().running).toBeNull();
  });

  it("goes on with earlier turns where it failed to, not from the beginning", async () => {
    server.list = [row({ id: "g3" })];
    server.older = () => json({ items: [row({ id: "g2" })], next: "third" });
    const conversation = open();
    const ids = () => conversation.getSnapshot().turns.map((turn) => turn.id);
    await vi.waitFor(() => expect(ids()).toEqual(["g3"]));
    conversation.loadOlder();
    await vi.waitFor(() => expect(ids()).toEqual(["g2", "g3"]));
    server.older = () => problem(500);
    conversation.loadOlder();
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().loadError).toBeTruthy(),
    );
    server.older = () => json({ items: [row()], next: null });
    conversation.reload();
    await vi.waitFor(() => expect(ids()).toEqual(["g1", "g2", "g3"]));
    expect(conversation.getSnapshot()).toMatchObject({
      hasOlder: false,
      loadError: null,
    });
    expect(server.calls.at(-1)).toMatch(/cursor=third$/);
  });

  it("shows the last turn as it was left, with what its steps printed", async () => {
    server.list = [row()];
    const told = [
      GENERATION,
      word(2),
      sse(3, "version", {
        version: 1,
        parent: 0,
        files: 1,
        overwrote: ["a.js"],
      }),
      sse(4, "step", { name: "run", state: "started", at: 5 }),
      sse(5, "output", { stream: "stdout", data: "42" }),
      DONE,
    ];
    server.events = () => new Response(told.join(""));
    const conversation = open();
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().turns).toMatchObject([
        {
          state: "done",
          reply: "Done.",
          overwrote: ["a.js"],
          parent: 0,
          steps: [{ name: "run", output: [{ text: "42" }] }],
        },
      ]),
    );
    expect(server.calls.filter((call) => call.includes("events"))).toEqual([
      "GET /generations/g1/events?after=0",
    ]);
  });

  it("streams what was asked for, and clears the box", async () => {
    const stream = held();
    server.post = () => stream.response;
    const conversation = open();
    conversation.draft.set("a clock");
    conversation.ask(ASK);
    expect(conversation.draft.getSnapshot()).toBe("");
    expect(conversation.getSnapshot().running?.state).toBe("sending");
    expect(pendingAsk("p")?.prompt).toBe("a clock");
    stream.say(GENERATION + word(2));
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().running?.reply).toBe("w2 "),
    );
    expect(pendingAsk("p")).toBeNull();
    server.list = [row()];
    stream.say(word(3) + DONE);
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().turns).toMatchObject([
        { id: "g1", reply: "w2 w3 ", state: "done" },
      ]),
    );
    expect(conversation.getSnapshot().running).toBeNull();
  });

  it("asks the model that is chosen, whoever asks", async () => {
    const client = new QueryClient();
    const models = [{ id: "first" }, { id: "second" }];
    client.setQueryData(keys.models, { items: models, next: null });
    remember("model", "second");
    const asked: unknown[] = [];
    server.post = (_, init) => {
      asked.push(JSON.parse(init.body as string));
      return held().response;
    };
    open(client).ask({ prompt: "", mode: "fix" });
    await vi.waitFor(() =>
      expect(asked).toEqual([{ prompt: null, mode: "fix", model: "second" }]),
    );
  });

  it("goes on by event id when the stream breaks, with no word lost or doubled", async () => {
    const [first, second] = [held(), held()];
    const asked: string[] = [];
    server.post = () => first.response;
    server.events = (path) => {
      asked.push(path);
      return asked.length === 1
        ? Promise.reject(new TypeError("no network"))
        : second.response;
    };
    const conversation = open();
    conversation.ask(ASK);
    first.say(GENERATION + word(2) + word(3).slice(0, 20));
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().running?.reply).toBe("w2 "),
    );
    first.tear();
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().running?.reconnecting).toBe(true),
    );
    second.say(word(2) + word(3) + word(4) + DONE);
    await vi.waitFor(
      () =>
        expect(conversation.getSnapshot().turns[0]).toMatchObject({
          reply: "w2 w3 w4 ",
          state: "done",
          reconnecting: false,
        }),
      { timeout: 5000 },
    );
    expect(asked).toEqual([
      "/generations/g1/events?after=2",
      "/generations/g1/events?after=2",
    ]);
  });

  it("attaches to what runs already, from its first event", async () => {
    const stream = held();
    server.list = [row({ state: "running", reply: null, finished_at: null })];
    server.events = () => stream.response;
    const conversation = open();
    stream.say(GENERATION + word(2));
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().running?.reply).toBe("w2 "),
    );
    expect(server.calls).toContain("GET /generations/g1/events?after=0");
  });

  it("believes the list when there is nothing left to tell", async () => {
    const running = row({ state: "running", reply: null, finished_at: null });
    server.list = [running];
    server.events = () => {
      server.list = [row({ state: "interrupted" })];
      return new Response(null, { status: 204 });
    };
    const conversation = open();
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().turns[0]).toMatchObject({
        state: "interrupted",
        reply: "Done.",
      }),
    );
  });
});

describe("a fix without words", () => {
  it("reads the same before and after a refresh", () => {
    const words = readFileSync(join(import.meta.dirname, FIX_PROMPT), "utf8");
    expect(words.trim()).toBe(t.chat.fixPrompt);
  });
});

describe("a prompt on its way", () => {
  it("is sent when the page opens", async () => {
    const stream = held();
    server.post = () => stream.response;
    setPendingAsk("p", ASK);
    const conversation = open();
    await vi.waitFor(() => expect(server.calls).toContain("POST /generate"));
    expect(conversation.getSnapshot().running?.prompt).toBe("a clock");
  });

  it("is not sent twice: the server has it already", async () => {
    setPendingAsk("p", ASK);
    server.list = [row()];
    const conversation = open();
    await vi.waitFor(() => expect(pendingAsk("p")).toBeNull());
    expect(conversation.getSnapshot().turns).toHaveLength(1);
    expect(server.calls).not.toContain("POST /generate");
  });

  it("is not sent twice: a fix without words got the server's", async () => {
    setPendingAsk("p", { prompt: "", mode: "fix" });
    server.list = [row({ mode: "fix", prompt: t.chat.fixPrompt })];
    const conversation = open();
    await vi.waitFor(() => expect(pendingAsk("p")).toBeNull());
    expect(conversation.getSnapshot().turns).toHaveLength(1);
    expect(server.calls).not.toContain("POST /generate");
  });

  it("goes back into the box when the server refuses it", async () => {
    server.post = () => problem(422);
    const conversation = open();
    conversation.ask(ASK);
    await vi.waitFor(() =>
      expect(conversation.draft.getSnapshot()).toBe("a clock"),
    );
    expect(conversation.getSnapshot()).toMatchObject({
      turns: [],
      running: null,
      unsent: { ask: ASK, retryAt: null },
    });
    expect(pendingAsk("p")).toBeNull();
  });

  it("stays in the box and another turn is shown when one runs already", async () => {
    const stream = held();
    server.post = () => {
      server.list = [row({ id: "g7", prompt: "other", state: "running" })];
      return problem(409);
    };
    server.events = () => stream.response;
    const conversation = open();
    conversation.ask(ASK);
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().running?.id).toBe("g7"),
    );
    expect(conversation.draft.getSnapshot()).toBe("a clock");
    expect(conversation.getSnapshot().unsent?.ask).toEqual(ASK);
  });

  it("is found again when only its answer was lost", async () => {
    const stream = held();
    server.post = () => {
      server.list = [row({ state: "running", finished_at: null })];
      return Promise.reject(new TypeError("no network"));
    };
    server.events = () => stream.response;
    const conversation = open();
    conversation.ask(ASK);
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().running?.id).toBe("g1"),
    );
    expect(conversation.getSnapshot()).toMatchObject({ unsent: null });
    expect(conversation.getSnapshot().turns).toHaveLength(1);
    expect(conversation.draft.getSnapshot()).toBe("");
  });

  it("is sent again by itself when the server is busy, or not, as one likes", async () => {
    const stream = held();
    server.post = () => {
      server.post = () => stream.response;
      return problem(429, { "Retry-After": "1" });
    };
    const conversation = open();
    conversation.ask(ASK);
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().unsent?.retryAt).toBeGreaterThan(0),
    );
    expect(conversation.getSnapshot().running?.state).toBe("sending");
    stream.say(GENERATION);
    await vi.waitFor(
      () => expect(conversation.getSnapshot().running?.id).toBe("g1"),
      { timeout: 3000 },
    );
    expect(conversation.getSnapshot().unsent).toBeNull();
  });

  it("waits no longer once it is dropped", async () => {
    server.post = () => problem(503, { "Retry-After": "60" });
    const conversation = open();
    conversation.ask(ASK);
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().unsent).not.toBeNull(),
    );
    conversation.dropUnsent();
    expect(conversation.getSnapshot()).toMatchObject({
      turns: [],
      running: null,
      unsent: null,
    });
    expect(conversation.draft.getSnapshot()).toBe("a clock");
    const stream = held();
    server.post = () => stream.response;
    conversation.ask({ ...ASK, prompt: "a watch" });
    stream.say(GENERATION);
    await vi.waitFor(() =>
      expect(conversation.getSnapshot()).toMatchObject({
        running: { id: "g1", prompt: "a watch" },
        cancelling: false,
      }),
    );
  });

  it("that is stopped before a busy server answers is not sent again, nor is the next one stopped", async () => {
    const stream = held();
    let answer: (response: Response) => void = () => {};
    server.post = () => new Promise((resolve) => (answer = resolve));
    const conversation = open();
    conversation.ask(ASK);
    await conversation.cancel();
    answer(problem(429, { "Retry-After": "1" }));
    await vi.waitFor(() =>
      expect(conversation.getSnapshot()).toMatchObject({
        turns: [],
        unsent: null,
        cancelling: false,
      }),
    );
    expect(conversation.draft.getSnapshot()).toBe("a clock");
    expect(pendingAsk("p")).toBeNull();
    server.post = () => stream.response;
    conversation.ask(ASK);
    expect(conversation.getSnapshot().cancelling).toBe(false);
    stream.say(GENERATION + word(2));
    await vi.waitFor(() =>
      expect(conversation.getSnapshot().running?.reply).toBe("w2 "),
    );
    expect(server.calls).not.toContain("POST /generations/g1/cancel");
  });

  it("is stopped as soon as the server has said what it is called", async () => {
    const stream = held();
    server.post = () => stream.response;
    const conversation = open();
    conversation.ask(ASK);
    await conversation.cancel();
    expect(conversation.getSnapshot().cancelling).toBe(true);
    stream.say(GENERATION);
    await vi.waitFor(() =>
      expect(server.calls).toContain("POST /generations/g1/cancel"),
    );
  });
});
