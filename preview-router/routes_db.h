#pragma once

/* The thread that speaks to PostgreSQL: reads routes into a queue, follows slipway_routes, and
 * writes down which apps are used. */

#include "err.h"
#include "token.h"

#include <stddef.h>

struct config;
struct route_queue;
struct routes_db;

/* `q` must outlive it. Sets PGOPTIONS for this process, so call it before other threads are there.
 */
NODISCARD int routes_db_start(const struct config *c, struct route_queue *q,
			      struct routes_db **ret_db, struct err *e);

/* Ends the thread; NULL is fine. The queue must be closed first. */
void routes_db_stop(struct routes_db *db);

/* These projects are in use now. Any thread; kept until the database takes it, up to a limit. */
void routes_db_active(struct routes_db *db, const char (*project_ids)[UUID_TEXT_BYTES], size_t n);
