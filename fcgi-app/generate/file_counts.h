#pragma once

/* How many lines the files of a turn gained and lost. */

#include "err.h"
#include "generate/summary.h"

#include <stdint.h>

struct db;

/*
 * Fills additions and deletions of the summary's written and deleted files: `version`, which the
 * turn made, against `base`, which the model was shown (0: no files yet). They stay null for what
 * is not text, for a file above 1 MiB, and once 8 MiB were read.
 */
NODISCARD int file_counts_add(struct summary *s, struct db *db, const char *project_id,
			      int64_t base, int64_t version, struct err *e);
