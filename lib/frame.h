#pragma once

/*
 * The frames in which an agent streams a run (docs/ARCHITECTURE.md, "Agent protocol"):
 *
 *	1 byte type | 4 bytes length, big-endian | payload
 *
 * The payload of stdout and stderr is raw bytes; of all others one JSON object. The exit frame is
 *the last one: the end of the stream without it means the agent died. Both ends treat the other as
 *hostile.
 */

#include "strbuf.h"

#include <stdint.h>

enum frame_type {
	FRAME_STDOUT = 1,
	FRAME_STDERR = 2,
	FRAME_STARTED = 3, /* {"pid"} */
	FRAME_LISTENING =
		4, /* {"port","status","content_type","body","truncated"} or {"port","error"} */
	FRAME_EXIT = 5,	  /* {"exit_code","signal","timed_out","truncated","oom_killed","listening",
			      "duration_ms"} */
	FRAME_QUEUED = 6, /* {"position"} */
};

#define FRAME_HEADER_BYTES 5
#define FRAME_PAYLOAD_MAX  (256 * 1024)

struct frame_parser {
	struct strbuf pending;
};

/* `payload` is borrowed until the callback returns. -1 stops the parser. */
typedef int frame_fn(void *ctx, enum frame_type type, const char *payload, size_t len,
		     struct err *e);

void frame_parser_init(struct frame_parser *p);
void frame_parser_fini(struct frame_parser *p);

/* ERR_UPSTREAM on an unknown type or a length above FRAME_PAYLOAD_MAX. */
NODISCARD int frame_parser_feed(struct frame_parser *p, const char *bytes, size_t len, frame_fn *fn,
				void *ctx, struct err *e);

/* True when no half frame is pending. */
bool frame_parser_idle(const struct frame_parser *p);

/* Appends one frame; len <= FRAME_PAYLOAD_MAX. */
int frame_write(struct strbuf *b, enum frame_type type, const void *payload, size_t len);
