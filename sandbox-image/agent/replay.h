#pragma once

/* The last bytes of a stream, for those who come later. */

#include <stddef.h>

#define REPLAY_BYTES ((size_t)64 * 1024)

struct replay {
	unsigned char bytes[REPLAY_BYTES];
	size_t at;  /* where the next byte goes */
	size_t len; /* bytes held */
};

void replay_init(struct replay *r);
void replay_add(struct replay *r, const void *bytes, size_t len);

/* What is held, oldest first, in up to two pieces; either may be empty. */
struct replay_pieces {
	const unsigned char *bytes[2];
	size_t len[2];
};
struct replay_pieces replay_get(const struct replay *r);
