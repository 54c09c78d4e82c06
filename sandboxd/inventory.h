#pragma once

/* What this host holds of sandboxes, by their ids. */

#include "err.h"
#include "token.h"

#include <stdbool.h>
#include <stddef.h>

struct settings;

struct inventory_item {
	char id[UUID_TEXT_BYTES];
	bool image;   /* the disk's file */
	bool mounted; /* a mount or directory of its disk or socket directory */
};

struct inventory {
	struct inventory_item *items;
	size_t n, cap;
};

/* Looks through the directories of the settings, and has loop devices let go of deleted images. */
NODISCARD int inventory_take(const struct settings *s, struct inventory *ret, struct err *e);
void inventory_fini(struct inventory *inv);

/* NULL when there is nothing of this id. */
const struct inventory_item *inventory_find(const struct inventory *inv, const char *id);
