// Server-Sent Events (WHATWG HTML, 9.2) over fetch, which can POST and whose errors can be read.

export interface SseMessage {
  id: string;
  event: string;
  data: string;
}

/** Splits a stream into messages, wherever its pieces are cut. */
export class SseParser {
  #buffer = "";
  #data: string[] = [];
  #event = "";
  #id = "";
  #afterCr = false;
  retryMs: number | null = null;

  push(text: string): SseMessage[] {
    const messages: SseMessage[] = [];
    if (this.#afterCr && text.startsWith("\n")) {
      text = text.slice(1);
    }
    this.#afterCr = text.endsWith("\r") || (this.#afterCr && text === "");
    const lines = (this.#buffer + text).split(/\r\n|\r|\n/);
    this.#buffer = lines.pop() ?? "";
    for (const line of lines) {
      this.#line(line, messages);
    }
    return messages;
  }

  #line(line: string, messages: SseMessage[]): void {
    if (line === "") {
      if (this.#data.length > 0) {
        messages.push({
          id: this.#id,
          event: this.#event || "message",
          data: this.#data.join("\n"),
        });
      }
      this.#data = [];
      this.#event = "";
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") {
      this.#data.push(value);
    } else if (field === "event") {
      this.#event = value;
    } else if (field === "id" && !value.includes("\0")) {
      this.#id = value;
    } else if (field === "retry" && /^\d+$/.test(value)) {
      this.retryMs = Number(value);
    }
  }
}

/** The messages of an answer, until it ends or breaks off (then it throws). */
export async function* readSse(
  response: Response,
  parser: SseParser = new SseParser(),
): AsyncGenerator<SseMessage> {
  if (!response.body) {
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      yield* parser.push(value);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
