#pragma once

/*
 * A byte buffer that grows up to a maximum its owner set, and not a byte further.
 *
 * Invariants: `data` is never NULL after strbuf_init and data[len] == '\0'; len <= max.
 * A failed add (maximum reached, or no memory) leaves the contents as they were and sets `failed`,
 * which stays set until strbuf_reset: a run of adds may be checked once at its end.
 */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *data;
	size_t len;
	size_t cap;
	size_t max; /* bytes, without the terminating NUL */
	bool failed;
};

void strbuf_init(struct strbuf *b, size_t max_bytes);
void strbuf_fini(struct strbuf *b); /* also on a zeroed one; may be used again after strbuf_init */

/* Each returns 0, or -1 with `failed` set. */
int strbuf_add(struct strbuf *b, const void *bytes, size_t len);
int strbuf_adds(struct strbuf *b, const char *s);
int strbuf_addc(struct strbuf *b, char c);
int strbuf_addf(struct strbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
int strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

/* Room for `len` more bytes at the returned address (NULL: failed); strbuf_commit makes them count.
 */
char *strbuf_reserve(struct strbuf *b, size_t len);
void strbuf_commit(struct strbuf *b, size_t len);

/* Drops the first `len` bytes (at most all). */
void strbuf_consume(struct strbuf *b, size_t len);

/* Empties it and clears `failed`; memory is kept. */
void strbuf_reset(struct strbuf *b);

/* Hands the heap string to the caller (free it) and leaves an empty buffer with the same maximum.
 */
char *strbuf_steal(struct strbuf *b);

/* 0, or -1 with ERR_TOO_LARGE and "<what> is larger than N bytes". */
NODISCARD int strbuf_check(const struct strbuf *b, const char *what, struct err *e);

#define auto_strbuf __attribute__((cleanup(strbuf_fini))) struct strbuf
