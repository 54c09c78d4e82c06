#pragma once

/*
 * The answer of an OpenAI-compatible chat completion, fed as bytes of any split: Server-Sent Events
 * with deltas, or, from servers that do not stream, one JSON object. Pure: no I/O.
 *
 * Every server is a little different, so what is unknown is ignored: fields, event types, comments,
 * choices other than the first, a missing usage, a missing [DONE] behind a finish reason.
 */

#include "err.h"
#include "model/provider.h"
#include "sse.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>

enum openai_body {
	OPENAI_BODY_UNKNOWN, /* only white space so far */
	OPENAI_BODY_EVENTS,
	OPENAI_BODY_JSON,
};

struct openai_stream {
	enum openai_body body;
	struct sse_parser sse;
	struct strbuf json;
	size_t max_bytes; /* of text */
	size_t raw_bytes;
	size_t text_bytes; /* given to on_text so far */
	bool done;	   /* [DONE] */
	bool seen_chunk;   /* something that is a chat completion */
	bool garbled;	   /* a chunk that is no JSON object */
	bool retryable;	   /* the error in the stream is worth another try */
	char finish[32];   /* finish_reason, "" while there is none */
	struct model_usage usage;
	int (*on_text)(void *ctx, const char *text, size_t len, struct err *e);
	void *ctx;
};

void openai_stream_init(struct openai_stream *s, size_t max_bytes,
			int (*on_text)(void *, const char *, size_t, struct err *), void *ctx);
void openai_stream_fini(struct openai_stream *s);

/*
 * -1: on_text's own error; ERR_UPSTREAM for what is no chat completion or an error object of the
 * service (its words in the text, `retryable` set when its code says so); ERR_TOO_LARGE.
 */
NODISCARD int openai_stream_feed(struct openai_stream *s, const char *bytes, size_t len,
				 struct err *e);

/* The body has ended: 0 when the reply is whole. Otherwise ERR_UPSTREAM (it broke off, or there was
 * no reply in it) or ERR_UNPROCESSABLE (cut by the length limit or the content filter). */
NODISCARD int openai_stream_end(struct openai_stream *s, struct err *e);

/* The words of an error body `{"error": {"message": …}}` in its usual shapes, without control
 * characters, cut to cap; "" when there are none. */
void openai_error_words(const char *body, size_t len, char *buf, size_t cap);
