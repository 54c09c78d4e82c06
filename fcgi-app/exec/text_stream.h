#pragma once

/* Output of a program as text, piece by piece: a character that is cut by the end of a piece waits
 * for the next one; bytes that are no UTF-8 become U+FFFD. */

#include "strbuf.h"

#include <stddef.h>

struct text_stream {
	char tail[3];
	size_t tail_len;
};

/* Appends to *out what of the tail and `bytes` is complete. -1: *out is full (strbuf.h). */
NODISCARD int text_stream_add(struct text_stream *t, const char *bytes, size_t len,
			      struct strbuf *out);

/* The stream is over: what still waits was no character. */
NODISCARD int text_stream_end(struct text_stream *t, struct strbuf *out);
