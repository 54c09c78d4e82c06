#include "apps/syncer.h"

#include "app.h"
#include "apps/sync.h"
#include "apps/sync_queue.h"
#include "clock.h"
#include "db.h"
#include "dbconn.h"
#include "http_client.h"
#include "log.h"
#include "worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define THREADS	     4
#define LOOK_MS	     2000
#define SLOW_MS	     2000
#define STATEMENT_MS 15000

struct hand {
	struct app app;
	struct sync_queue *queue;
	pthread_t thread;
};

static void sync_one(struct hand *h, const char *project_id, int64_t from)
{
	int64_t began_ms = clock_mono_ms();
	struct err e;
	bool failed = sync_project(&h->app, project_id, from, &e) < 0;

	if (failed) {
		err_prefix(&e, "project %s", project_id);
		log_err(LOG_WARN, "sync_failed", &e);
	}
	sync_queue_done(h->queue, project_id, failed, clock_mono_ms() - began_ms > SLOW_MS);
}

static void *hand_main(void *ctx)
{
	struct hand *h = ctx;
	char project_id[UUID_TEXT_BYTES];
	int64_t from;

	while (sync_queue_take(h->queue, project_id, &from)) {
		sync_one(h, project_id, from);
	}
	return NULL;
}

static int hand_start(struct hand *h, const struct config *config, struct sync_queue *queue,
		      struct err *e)
{
	*h = (struct hand){.app = {.config = config}, .queue = queue};
	if (dbconn_open(config, "slipway-api syncer", STATEMENT_MS, &h->app.db, e)) {
		return -1;
	}
	h->app.http = http_client_create();
	if (!h->app.http || pthread_create(&h->thread, NULL, hand_main, h) != 0) {
		return err_set(e, ERR_INTERNAL, "cannot start a thread");
	}
	return 0;
}

/* What was missed, or could not be done when it came: nothing wants a restart that is not new. */
static int look(struct db *db, struct sync_queue *queue, struct err *e)
{
	auto_db_result r = NULL;

	if (db_query(db,
		     "SELECT p.id, coalesce(s.hydrated_version, p.head_version - 1)"
		     " FROM sandboxes s JOIN projects p ON p.id = s.project_id"
		     " WHERE s.profile = 'app' AND s.actual_state = 'running'"
		     " AND s.desired_state = 'running' AND s.phase = '' AND p.deleted_at IS NULL"
		     " AND p.head_version > 0 AND s.hydrated_version IS DISTINCT FROM"
		     " p.head_version",
		     DB_NO_ARGS, &r, e)) {
		return -1;
	}
	for (size_t i = 0; i < db_rows(r); i++) {
		(void)sync_queue_add_found(queue, db_get(r, i, 0), db_get_int(r, i, 1));
	}
	return 0;
}

/* "<project id> <n>" */
static void take_notice(struct sync_queue *queue, char *payload)
{
	char *space = strchr(payload, ' ');

	if (!space) {
		return;
	}
	*space = '\0';
	if (uuid_valid(payload)) {
		(void)sync_queue_add(queue, payload, strtoll(space + 1, NULL, 10) - 1);
	}
}

static int serve(struct db *db, struct sync_queue *queue, struct err *e)
{
	if (db_listen(db, SYNC_CHANNEL, e)) {
		return -1;
	}
	for (;;) {
		int64_t look_at_ms = clock_mono_ms() + LOOK_MS;
		char payload[UUID_TEXT_BYTES + 24];
		int got;

		if (look(db, queue, e)) {
			return -1;
		}
		sync_queue_retry(queue);
		while ((got = db_wait(db, look_at_ms, payload, sizeof(payload), e)) > 0) {
			take_notice(queue, payload);
		}
		if (got < 0) {
			return -1;
		}
	}
}

static int run(const struct config *config, struct err *e)
{
	static struct hand hands[THREADS]; /* for as long as the process lives */
	struct sync_queue *queue = sync_queue_create();
	struct db *db = NULL;

	if (!queue) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	if (http_client_global_init(e) ||
	    dbconn_open(config, "slipway-api syncer", STATEMENT_MS, &db, e)) {
		return -1;
	}
	for (size_t i = 0; i < THREADS; i++) {
		if (hand_start(&hands[i], config, queue, e)) {
			return -1;
		}
	}
	return serve(db, queue, e);
}

/* TERM ends it at once: a sync that breaks off is marked as such in its row. */
int syncer_run(const struct config *config, pid_t master)
{
	struct err e;

	if (worker_child_init(master, SIG_DFL) < 0) {
		return 1;
	}
	if (run(config, &e) < 0) {
		log_err(LOG_WARN, "syncer_ended", &e);
	}
	return 1;
}
