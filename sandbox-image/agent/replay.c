#include "replay.h"

#include <string.h>

void replay_init(struct replay *r)
{
	r->at = r->len = 0;
}

void replay_add(struct replay *r, const void *bytes, size_t len)
{
	const unsigned char *from = bytes;
	size_t n;

	if (len > REPLAY_BYTES) {
		from += len - REPLAY_BYTES;
		len = REPLAY_BYTES;
	}
	n = len < REPLAY_BYTES - r->at ? len : REPLAY_BYTES - r->at;
	memcpy(r->bytes + r->at, from, n);
	memcpy(r->bytes, from + n, len - n);
	r->at = (r->at + len) % REPLAY_BYTES;
	r->len = r->len + len < REPLAY_BYTES ? r->len + len : REPLAY_BYTES;
}

struct replay_pieces replay_get(const struct replay *r)
{
	size_t first = (r->at + REPLAY_BYTES - r->len) % REPLAY_BYTES;
	size_t n = r->len < REPLAY_BYTES - first ? r->len : REPLAY_BYTES - first;

	return (struct replay_pieces){{r->bytes + first, r->bytes}, {n, r->len - n}};
}
