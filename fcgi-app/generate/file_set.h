#pragma once

/* The files of a turn: what the model wrote or deleted, and what of it was refused, one entry a
 * path. */

#include "err.h"
#include "projects/versions.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stddef.h>

enum file_fate {
	FILE_WRITTEN,
	FILE_DELETED,
	FILE_REFUSED, /* for a reason that asking again may mend */
};

struct set_file {
	char *path;
	enum file_fate fate;
	char *bytes; /* FILE_WRITTEN only */
	size_t len;
	char reason[200]; /* FILE_REFUSED only */
};

struct file_set {
	struct set_file *files;
	size_t n;
};

void file_set_fini(struct file_set *s); /* also on a zeroed one */

struct set_file *file_set_find(const struct file_set *s, const char *path);

/* The last word about a path counts. `bytes` is copied; NULL unless FILE_WRITTEN. */
NODISCARD int file_set_put(struct file_set *s, const char *path, enum file_fate fate,
			   const char *bytes, size_t len, const char *reason, struct err *e);

size_t file_set_count(const struct file_set *s, enum file_fate fate);

/* "path: reason" lines of what was refused. */
void file_set_add_refused(const struct file_set *s, struct strbuf *out);

/* What a version is made of (free it); borrows from the set. *ret_n may be 0. */
NODISCARD int file_set_changes(const struct file_set *s, struct file_change **ret_changes,
			       size_t *ret_n, struct err *e);
