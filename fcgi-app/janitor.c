#include "janitor.h"

#include "clock.h"
#include "config.h"
#include "db.h"
#include "dbconn.h"
#include "generate/late_summary.h"
#include "log.h"
#include "worker.h"

#include <jansson.h>
#include <signal.h>
#include <time.h>

#define ROUND_S	     15
#define RARE_ROUNDS  40 /* every 10 minutes */
#define STATEMENT_MS 60000

struct chore {
	const char *name;
	const char *sql;
	bool rare;
};

static const struct chore chores[] = {
	/* Its worker died. Clients that re-attach get an end, and one more try is free to begin. */
	{"generations_interrupted",
	 "WITH dead AS ("
	 " UPDATE generations SET state = 'interrupted', finished_at = now(), error = "
	 "json_build_object("
	 "  'type', '/problems/interrupted', 'title', 'Interrupted', 'status', 500,"
	 "  'detail', 'The worker that did this ended before it was done; try again.')"
	 " WHERE state = 'running' AND heartbeat_at < now() - interval '30 seconds'"
	 " RETURNING id, version, error),"
	 " last AS (SELECT d.id, d.version, d.error, coalesce(max(e.seq), 0) AS seq FROM dead d"
	 " LEFT JOIN generation_events e ON e.generation_id = d.id GROUP BY 1, 2, 3),"
	 " ends AS (INSERT INTO generation_events (generation_id, seq, type, data)"
	 " SELECT id, seq + 1, 'error', error::text FROM last UNION ALL"
	 " SELECT id, seq + 2, 'done', json_build_object('state', 'interrupted', 'version', "
	 "version)::text"
	 " FROM last RETURNING generation_id)"
	 " SELECT pg_notify('generation', id::text) FROM dead",
	 false},
	{"sessions_expired", "DELETE FROM sessions WHERE expires_at < now()", false},
	{"preview_tickets_removed",
	 "DELETE FROM preview_tickets WHERE expires_at < now() - interval '10 minutes'", false},
	{"shares_removed",
	 "DELETE FROM shares WHERE revoked_at < now() - interval '90 days'"
	 " OR expires_at < now() - interval '90 days'",
	 true},
	/* No lock lasts that long. */
	{"password_failures_removed",
	 "DELETE FROM password_failures WHERE last_at < now() - interval '1 day'", true},
	/* A row of sandboxes means there may be a container and a disk: those go first. */
	{"projects_purged",
	 "DELETE FROM projects p WHERE p.deleted_at < now() - interval '7 days'"
	 " AND NOT EXISTS (SELECT FROM sandboxes s WHERE s.project_id = p.id)",
	 true},
	/* created_at is renewed on reuse, and both sides lock the row: nothing in use goes. */
	{"blobs_removed",
	 "DELETE FROM blobs WHERE sha256 IN (SELECT b.sha256 FROM blobs b"
	 " WHERE b.created_at < now() - interval '1 hour'"
	 " AND NOT EXISTS (SELECT FROM version_files f WHERE f.sha256 = b.sha256) LIMIT 1000)"
	 " AND created_at < now() - interval '1 hour'",
	 true},
	{"generation_events_removed",
	 "DELETE FROM generation_events e USING generations g WHERE g.id = e.generation_id"
	 " AND g.state <> 'running' AND g.finished_at < now() - interval '30 days'",
	 true},
	{"runs_removed", "DELETE FROM runs WHERE created_at < now() - interval '90 days'", true},
};

static void log_done(const char *name, int64_t rows)
{
	if (rows > 0) {
		log_info(name, "{s:I}", "rows", (json_int_t)rows);
	}
}

static void make_summaries(struct db *db)
{
	int64_t made = 0;
	struct err e;

	if (late_summaries(db, &made, &e) < 0) {
		log_err(LOG_WARN, "janitor_failed", &e);
	}
	log_done("generations_summarised", made);
}

void janitor_round(struct db *db, bool rare)
{
	for (size_t i = 0; i < sizeof(chores) / sizeof(chores[0]); i++) {
		auto_db_result r = NULL;
		struct err e;

		if (chores[i].rare && !rare) {
			continue;
		}
		if (db_query(db, chores[i].sql, DB_NO_ARGS, &r, &e) < 0) {
			err_prefix(&e, "%s", chores[i].name);
			log_err(LOG_WARN, "janitor_failed", &e);
			continue;
		}
		log_done(chores[i].name, db_rows(r) > 0 ? (int64_t)db_rows(r) : db_affected(r));
	}
	make_summaries(db);
}

/* Blocked, so that one that comes during a round is still there when we wait. */
static void block_term(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigprocmask(SIG_BLOCK, ret, NULL);
}

int janitor_run(const struct config *config, pid_t master)
{
	const struct timespec round = {.tv_sec = ROUND_S};
	struct db *db = NULL;
	sigset_t term;
	struct err e;
	unsigned n = 0;

	if (worker_child_init(master, SIG_DFL) < 0) {
		return 1;
	}
	block_term(&term);
	if (dbconn_open(config, "slipway-api janitor", STATEMENT_MS, &db, &e) < 0) {
		log_err(LOG_ERROR, "janitor_failed", &e);
		return 1;
	}
	do {
		janitor_round(db, n++ % RARE_ROUNDS == 0);
	} while (sigtimedwait(&term, NULL, &round) < 0);
	db_destroy(db);
	return 0;
}
