#pragma once

/* The changes of one version, checked, hashed and sorted. */

#include "err.h"
#include "projects/versions.h"

#include <stddef.h>

struct change {
	const struct file_change *change; /* borrowed */
	char sha256[65];		  /* "" for a deletion */
};

struct change_set {
	struct change *by_hash; /* sorted by hash, deletions first */
	size_t n;
};

/* ERR_INVALID for a bad path or mode, or two changes of one path; ERR_TOO_LARGE for too many
 * changes or a file above FILE_MAX_BYTES. `changes` is borrowed for the life of the set. */
NODISCARD int change_set_init(struct change_set *set, const struct file_change *changes, size_t n,
			      struct err *e);
void change_set_fini(struct change_set *set);

/* [{"path", "sha256": null for a deletion, "mode", "size"}…] (free it), or NULL without memory. */
char *change_set_json(const struct change_set *set);
