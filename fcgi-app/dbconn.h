#pragma once

/* Where PostgreSQL is, as the configuration has it. */

#include "err.h"

#include <stdint.h>

struct config;
struct db;

/* DATABASE_URL, or the embedded cluster by its unix socket and the role slipway_api. Does not
 * connect. Sets PGOPTIONS for this process, so that no statement runs longer than statement_ms. */
NODISCARD int dbconn_open(const struct config *config, const char *application_name,
			  int64_t statement_ms, struct db **ret_db, struct err *e);
