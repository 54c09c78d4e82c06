#pragma once

/*
 * Whose disks these are. Reconciling removes what no row knows; with another database (an empty
 * one, a wrong DATABASE_URL) that would be every disk there is. So the database's own id is kept
 * beside the images, and nothing is removed for a database with another.
 */

#include "err.h"

struct worker;

/* 0 when the images belong to this database, or to nobody yet: then they do from now on.
 * ERR_CONFLICT, saying what to do, when they belong to another. */
NODISCARD int custody_check(struct worker *w, struct err *e);
