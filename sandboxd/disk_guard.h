#pragma once

/*
 * The host's last space. Each sandbox's disk has a hard cap, all of them together may be promised
 * more than the host has; when little is left, whichever sandbox grows fastest is stopped, until
 * there is enough again. Its disk stays, and no sandbox starts meanwhile (disk_open).
 * A sandbox whose disk became read-only by an error is stopped as well: the next start mends it.
 */

#include "token.h"

#include <stddef.h>
#include <stdint.h>

struct worker;

/* How much was used of a mounted disk. */
struct disk_use {
	char id[UUID_TEXT_BYTES];
	int64_t bytes;
};

/* Of all, at the last look. Zeroed: there was none yet. */
struct disk_guard {
	struct disk_use *seen;
	size_t n;
};

void disk_guard_fini(struct disk_guard *g);

/* To be called every second or so. */
void disk_guard_look(struct disk_guard *g, struct worker *w);
