#pragma once

/*
 * The framing of a message body on its way through: how much of what has come in may be passed on,
 * and where the body ends. Chunks go on as they came, once checked, unless the receiver does not
 * know them (HTTP/1.0).
 */

#include "buf.h"
#include "err.h"
#include "http_head.h"

#include <stdbool.h>
#include <stdint.h>

enum body_kind {
	BODY_NONE,
	BODY_LENGTH,
	BODY_CHUNKED,	/* passed on with its framing */
	BODY_DECHUNKED, /* passed on without it */
	BODY_TO_CLOSE,	/* ends with the connection */
};

struct body {
	enum body_kind kind;
	bool done;     /* nothing is to come but what is `ready` */
	bool trailers; /* a chunked one is done but for its trailer section, next in the buffer */
	uint64_t left; /* BODY_LENGTH: bytes not counted in `ready` yet */
	struct http_chunked chunks;
	size_t ready; /* bytes at the buffer's start that may be passed on */
};

/* `length` counts for BODY_LENGTH only. */
void body_init(struct body *b, enum body_kind kind, uint64_t length);

/* The body of a request. */
void body_of_request(struct body *b, const struct http_head *h);

/* The body of an answer (RFC 9112, section 6.3) to a request with this method. With
 * `chunks_unknown` the receiver speaks HTTP/1.0. */
void body_of_answer(struct body *b, const struct http_head *answer, bool to_head_method,
		    bool chunks_unknown);

/* Looks at what is in the buffer and sets `ready` and `done`; framing that is not passed on is
 * consumed. Does nothing while something is ready. */
NODISCARD int body_look(struct body *b, struct buf *in, struct err *e);

/* `n` of the ready bytes were passed on. */
void body_took(struct body *b, struct buf *in, size_t n);
