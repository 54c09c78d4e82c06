#pragma once

/*
 * Server-Sent Events (WHATWG HTML, section 9.2): an incremental parser that does not care where the
 * bytes are split, and a writer.
 */

#include "strbuf.h"

#include <stdint.h>

#define SSE_EVENT_MAX_BYTES (1024 * 1024) /* data of one event */

struct sse_event {
	const char *type; /* "message" when the stream named none */
	const char *id;	  /* last event id, "" when none */
	const char *data;
	size_t data_len;
};

struct sse_parser {
	struct strbuf line, data, type, id;
	bool skip_lf; /* a CR was the last byte: an LF now belongs to it */
	bool bom_done;
	bool has_data;
};

/* Called for each complete event; what it borrows lives until it returns. -1 stops the parser. */
typedef int sse_event_fn(void *ctx, const struct sse_event *event, struct err *e);

void sse_parser_init(struct sse_parser *p);
void sse_parser_fini(struct sse_parser *p);

/* Feeds any number of bytes. -1: the callback's error, or ERR_TOO_LARGE for an oversized event. */
NODISCARD int sse_parser_feed(struct sse_parser *p, const char *bytes, size_t len, sse_event_fn *fn,
			      void *ctx, struct err *e);

/* Appends "id: …\nevent: …\ndata: …\n\n"; id < 0 leaves the id out. `data` is split at newlines. */
int sse_write(struct strbuf *b, int64_t id, const char *type, const char *data);
