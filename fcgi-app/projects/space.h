#pragma once

/* The last of the host's disk is for what is there already: a database that cannot write serves
 * nobody. */

#include "app.h"
#include "err.h"

/* ERR_NO_SPACE when too little is left beside the database to store files. 0 also for a database
 * elsewhere (DATABASE_URL): its disk is not ours to see. */
NODISCARD int space_check(const struct app *app, struct err *e);
