#pragma once

/* The summaries of generations that ended without one: their worker died. They are made of what it
 * had stored by then. */

#include "err.h"

#include <stdint.h>

struct db;

/* Makes some of those that are wanted; *ret_made says how many. */
NODISCARD int late_summaries(struct db *db, int64_t *ret_made, struct err *e);
