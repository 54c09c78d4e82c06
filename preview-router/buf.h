#pragma once

/* Bytes on their way. Of a fixed size, and given back as soon as they are empty: what is idle holds
 * none. */

#include <stddef.h>

#define BUF_BYTES ((size_t)64 * 1024)

struct buf {
	struct buf *next;  /* while it is free */
	size_t start, end; /* what is in it: data[start..end) */
	char data[BUF_BYTES];
};

struct buf *buf_get(void); /* NULL: no memory */
void buf_put(struct buf *b);
void buf_drop_free(void); /* gives the free ones back to the system */

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->start;
}
