#pragma once

/* A row of the views routes and route_shares as what it says of an app. */

#include "err.h"

#include <stddef.h>

struct app;
struct db_result;

/* Everything of a project, its shares in one column. route_row_read knows the columns by number. */
#define ROUTE_COLUMNS                                                                              \
	"SELECT r.project_id, r.user_id, r.slug, r.visibility = 'public', r.app_stopped,"          \
	" r.has_files, r.state, r.phase, left(r.error, 500), r.port, r.relay_secret,"              \
	" (SELECT string_agg(s.id::text || ' ' || CASE WHEN isfinite(s.expires_at)"                \
	"  THEN floor(extract(epoch FROM s.expires_at))::bigint::text ELSE '-' END, ' ')"          \
	"  FROM route_shares s WHERE s.project_id = r.project_id) FROM routes r "

/* Row `i` into the first part of *row, which is zeroed; row->shares is the caller's to free. */
NODISCARD int route_row_read(const struct db_result *r, size_t i, struct app *row, struct err *e);
