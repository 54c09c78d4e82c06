#include "ports.h"

#include "cleanup.h"
#include "db.h"
#include "settings.h"

/* Longer than any route, request or retry of the router lasts that does not know of the release. */
#define REST_S 60

static int take(struct db *db, const struct settings *s, const char *sandbox_id, int *ret_port,
		struct err *e)
{
	static const char sql[] =
		"UPDATE ports SET sandbox_id = $1 WHERE port = (SELECT port FROM ports WHERE "
		"sandbox_id IS NULL AND port BETWEEN $2 AND $3 AND released_at < now() - "
		"make_interval(secs => $4::bigint) ORDER BY released_at, port LIMIT 1 FOR UPDATE "
		"SKIP LOCKED) RETURNING port";
	auto_db_result r = NULL;

	if (db_query(db, sql,
		     DB_ARGS(db_text(sandbox_id), db_int(s->port_base),
			     db_int(s->port_base + s->port_count - 1), db_int(REST_S)),
		     &r, e) < 0) {
		return -1;
	}
	*ret_port = db_rows(r) == 1 ? (int)db_get_int(r, 0, 0) : 0;
	return 0;
}

/* A row for each port of the range: at the first use, and after the range was changed. */
static int fill(struct db *db, const struct settings *s, struct err *e)
{
	return db_query(db,
			"INSERT INTO ports (port) SELECT generate_series($1::integer, $2::integer) "
			"ON CONFLICT DO NOTHING",
			DB_ARGS(db_int(s->port_base), db_int(s->port_base + s->port_count - 1)),
			NULL, e);
}

int ports_take(struct db *db, const struct settings *s, const char *sandbox_id, int *ret_port,
	       struct err *e)
{
	int port;

	if (ports_release(db, sandbox_id, e) < 0 || take(db, s, sandbox_id, &port, e) < 0) {
		return -1;
	}
	if (port == 0 && (fill(db, s, e) < 0 || take(db, s, sandbox_id, &port, e) < 0)) {
		return -1;
	}
	if (port == 0) {
		return err_set(e, ERR_NO_SPACE,
			       "every port for apps is in use or was until a minute ago: try again "
			       "soon, or raise SLIPWAY_PORT_COUNT");
	}
	*ret_port = port;
	return 0;
}

int ports_release(struct db *db, const char *sandbox_id, struct err *e)
{
	return db_query(db,
			"UPDATE ports SET sandbox_id = NULL, released_at = now() WHERE sandbox_id "
			"= $1",
			DB_ARGS(db_text(sandbox_id)), NULL, e);
}

int ports_release_dead(struct db *db, struct err *e)
{
	return db_query(db,
			"UPDATE ports SET sandbox_id = NULL, released_at = now() WHERE sandbox_id "
			"IS NOT NULL AND NOT EXISTS (SELECT FROM sandboxes s WHERE s.id = "
			"sandbox_id AND s.actual_state IN ('starting', 'running', 'stopping'))",
			DB_NO_ARGS, NULL, e);
}
