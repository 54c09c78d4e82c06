#include "routes_db.h"

#include "cleanup.h"
#include "clock.h"
#include "config.h"
#include "db.h"
#include "log.h"
#include "route_queue.h"
#include "route_row.h"
#include "strbuf.h"
#include "utf8.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define CHANNEL		"slipway_routes"
#define PG_OPTIONS	"-c statement_timeout=10000 -c lock_timeout=5000 -c jit=off"
#define SILENCE_MS	12000
#define PAGE_ROWS	1000
#define BATCH_IDS	256
#define SLICE_MS	250 /* how long ending may take to be noticed */
#define RETRY_FIRST_MS	100
#define RETRY_MAX_MS	5000
#define PING_EVERY_MS	15000
#define PING_ANSWER_MS	10000
#define ACTIVE_IDS_MAX	65536
#define ACTIVE_ID_BYTES UUID_TEXT_BYTES /* in an array's text: the id and a comma */

struct routes_db {
	pthread_t thread;
	struct route_queue *queue;
	struct db *listener; /* LISTENs and does nothing else: losing it is always noticed */
	struct db *reader;
	atomic_bool stopping;

	int64_t ping_due_ms, ping_sent_ms; /* ping_sent_ms 0: none is on its way */
	unsigned ping_n;
	char ping[24];

	pthread_mutex_t mutex;
	pthread_cond_t ending;
	char (*active)[UUID_TEXT_BYTES]; /* under the mutex, as the next two */
	size_t n_active, active_cap;
};

static int push(struct routes_db *db, struct route_change *c, struct err *e)
{
	return route_queue_push(db->queue, c) ? 0 : err_set(e, ERR_CANCELLED, "ending");
}

/* NULL: out of memory. */
static struct route_change *new_change(enum route_change_kind kind, struct err *e)
{
	struct route_change *c = calloc(1, sizeof(*c));

	if (c) {
		c->kind = kind;
	} else {
		err_set(e, ERR_INTERNAL, "out of memory");
	}
	return c;
}

static int push_kind(struct routes_db *db, enum route_change_kind kind, const char *project_id,
		     struct err *e)
{
	struct route_change *c = new_change(kind, e);

	if (!c) {
		return -1;
	}
	utf8_copy(c->row.project_id, sizeof(c->row.project_id), project_id);
	return push(db, c, e);
}

static int push_rows(struct routes_db *db, const struct db_result *r, struct err *e)
{
	for (size_t i = 0; i < db_rows(r); i++) {
		struct route_change *c = new_change(ROUTE_SET, e);

		if (!c) {
			return -1;
		}
		if (route_row_read(r, i, &c->row, e) < 0) {
			route_change_free(c);
			return -1;
		}
		if (push(db, c, e) < 0) {
			return -1;
		}
	}
	return 0;
}

static int read_key(struct routes_db *db, struct err *e)
{
	auto_db_result r = NULL;
	struct route_change *c;
	const void *key;
	size_t len;

	if (db_query(db->reader, "SELECT preview_key FROM installation", DB_NO_ARGS, &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) != 1) {
		return err_set(e, ERR_UNAVAILABLE, "the database is not set up yet");
	}
	if (db_get_bytes(r, 0, 0, &key, &len, e) < 0) {
		return -1;
	}
	if (len != GRANT_KEY_BYTES) {
		return err_set(e, ERR_INTERNAL, "installation.preview_key has %zu bytes", len);
	}
	c = new_change(ROUTE_KEY, e);
	if (!c) {
		return -1;
	}
	memcpy(c->key, key, len);
	return push(db, c, e);
}

/* Everything, a page at a time. What changes meanwhile has been notified: we listen already. */
static int load(struct routes_db *db, struct err *e)
{
	char after[UUID_TEXT_BYTES] = "00000000-0000-0000-0000-000000000000";

	if (read_key(db, e) < 0 || push_kind(db, ROUTE_LOAD_BEGIN, "", e) < 0) {
		return -1;
	}
	for (;;) {
		auto_db_result r = NULL;
		size_t n;

		if (db_query(db->reader,
			     ROUTE_COLUMNS "WHERE r.project_id > $1 ORDER BY r.project_id LIMIT $2",
			     DB_ARGS(db_text(after), db_int(PAGE_ROWS)), &r, e) < 0 ||
		    push_rows(db, r, e) < 0) {
			return -1;
		}
		n = db_rows(r);
		if (n < PAGE_ROWS) {
			break;
		}
		utf8_copy(after, sizeof(after), db_get(r, n - 1, 0));
	}
	return push_kind(db, ROUTE_LOAD_END, "", e);
}

struct id_batch {
	char ids[BATCH_IDS][UUID_TEXT_BYTES];
	size_t n;
};

static void batch_add(struct id_batch *b, const char *id)
{
	for (size_t i = 0; i < b->n; i++) {
		if (strcmp(b->ids[i], id) == 0) {
			return;
		}
	}
	utf8_copy(b->ids[b->n++], UUID_TEXT_BYTES, id);
}

/* '{id,id}', PostgreSQL's text form of an array; ids need no quotes. */
static int array_text(char (*ids)[UUID_TEXT_BYTES], size_t n, struct strbuf *ret, struct err *e)
{
	strbuf_init(ret, n * ACTIVE_ID_BYTES + 2);
	strbuf_addc(ret, '{');
	for (size_t i = 0; i < n; i++) {
		strbuf_adds(ret, i > 0 ? "," : "");
		strbuf_adds(ret, ids[i]);
	}
	strbuf_addc(ret, '}');
	return strbuf_check(ret, "a list of projects", e);
}

static bool has_row(const struct db_result *r, const char *id)
{
	for (size_t i = 0; i < db_rows(r); i++) {
		if (strcmp(db_get(r, i, 0), id) == 0) {
			return true;
		}
	}
	return false;
}

static int read_batch(struct routes_db *db, struct id_batch *b, struct err *e)
{
	auto_strbuf ids = {0};
	auto_db_result r = NULL;

	if (b->n == 0) {
		return 0;
	}
	if (array_text(b->ids, b->n, &ids, e) < 0 ||
	    db_query(db->reader, ROUTE_COLUMNS "WHERE r.project_id = ANY ($1::uuid[])",
		     DB_ARGS(db_text(ids.data)), &r, e) < 0 ||
	    push_rows(db, r, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < b->n; i++) {
		if (!has_row(r, b->ids[i]) && push_kind(db, ROUTE_GONE, b->ids[i], e) < 0) {
			return -1;
		}
	}
	return 0;
}

/* Waits for notifications and reads what they name, all that are there at once. */
static int follow(struct routes_db *db, struct err *e)
{
	int64_t deadline_ms = clock_mono_ms() + SLICE_MS;
	struct id_batch batch = {.n = 0};
	char payload[64];
	int rc;

	while ((rc = db_wait(db->listener, deadline_ms, payload, sizeof(payload), e)) == 1) {
		if (strcmp(payload, db->ping) == 0) {
			db->ping_sent_ms = 0;
		} else if (uuid_valid(payload)) {
			batch_add(&batch, payload);
		}
		deadline_ms = clock_mono_ms();
		if (batch.n == BATCH_IDS) {
			break;
		}
	}
	return rc < 0 ? -1 : read_batch(db, &batch, e);
}

/*
 * A connection whose other end vanished without a word would be silent as if nothing happened. So
 * a notification of our own has to come back in time.
 */
static int ping(struct routes_db *db, struct err *e)
{
	int64_t now_ms = clock_mono_ms();

	if (db->ping_sent_ms != 0 && now_ms - db->ping_sent_ms > PING_ANSWER_MS) {
		return err_set(e, ERR_UNAVAILABLE, "PostgreSQL: notifications do not arrive");
	}
	if (now_ms < db->ping_due_ms) {
		return 0;
	}
	db->ping_due_ms = now_ms + PING_EVERY_MS;
	db->ping_sent_ms = now_ms;
	(void)snprintf(db->ping, sizeof(db->ping), "ping %u", ++db->ping_n);
	return db_query(db->reader, "SELECT pg_notify('" CHANNEL "', $1)",
			DB_ARGS(db_text(db->ping)), NULL, e);
}

static int write_active(struct routes_db *db, struct err *e)
{
	char(*ids)[UUID_TEXT_BYTES];
	auto_strbuf list = {0};
	size_t n;
	int rc;

	pthread_mutex_lock(&db->mutex);
	ids = db->active;
	n = db->n_active;
	db->active = NULL;
	db->n_active = db->active_cap = 0;
	pthread_mutex_unlock(&db->mutex);
	if (n == 0) {
		return 0;
	}
	rc = array_text(ids, n, &list, e);
	if (rc == 0) {
		rc = db_query(db->reader,
			      "UPDATE sandboxes SET last_activity_at = now()"
			      " WHERE project_id = ANY ($1::uuid[])",
			      DB_ARGS(db_text(list.data)), NULL, e);
	}
	if (rc < 0) {
		routes_db_active(db, (const char(*)[UUID_TEXT_BYTES])ids, n);
	}
	free(ids);
	return rc;
}

/* One life of the connection: listen, read everything, follow. Ends with an error. */
static int session(struct routes_db *db, int64_t *retry_ms, struct err *e)
{
	if (db_listen(db->listener, CHANNEL, e) < 0 || load(db, e) < 0) {
		return -1;
	}
	*retry_ms = RETRY_FIRST_MS;
	db->ping_sent_ms = 0;
	db->ping_due_ms = clock_mono_ms();
	while (!atomic_load(&db->stopping)) {
		if (ping(db, e) < 0 || follow(db, e) < 0 || write_active(db, e) < 0) {
			return -1;
		}
	}
	return err_set(e, ERR_CANCELLED, "ending");
}

/* Both anew: what one of them has lived through, the other may have, too. */
static int reopen(struct routes_db *db, const char *conninfo)
{
	db_destroy(db->listener);
	db_destroy(db->reader);
	db->listener = db_create(conninfo, "slipway-router listen");
	db->reader = db_create(conninfo, "slipway-router");
	if (!db->listener || !db->reader) {
		return -1;
	}
	db_set_wait(db->listener, SILENCE_MS);
	db_set_wait(db->reader, SILENCE_MS);
	return 0;
}

static void pause_ms(struct routes_db *db, int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&db->mutex);
	while (!atomic_load(&db->stopping) &&
	       pthread_cond_clockwait(&db->ending, &db->mutex, CLOCK_MONOTONIC, &until) == 0) {
	}
	pthread_mutex_unlock(&db->mutex);
}

struct start {
	struct routes_db *db;
	char conninfo[1200];
};

static void *run(void *arg)
{
	auto_free struct start *s = arg;
	struct routes_db *db = s->db;
	int64_t retry_ms = RETRY_FIRST_MS;

	while (!atomic_load(&db->stopping)) {
		struct err e = {.kind = ERR_INTERNAL, .text = "out of memory"}, ignored;

		if (reopen(db, s->conninfo) == 0) {
			(void)session(db, &retry_ms, &e);
		}
		if (e.kind == ERR_CANCELLED) {
			break;
		}
		log_err(LOG_WARN, "routes_disconnected", &e);
		(void)push_kind(db, ROUTE_DISCONNECTED, "", &ignored);
		pause_ms(db, retry_ms);
		retry_ms = retry_ms * 2 < RETRY_MAX_MS ? retry_ms * 2 : RETRY_MAX_MS;
	}
	return NULL;
}

static void destroy(struct routes_db *db)
{
	db_destroy(db->listener);
	db_destroy(db->reader);
	pthread_mutex_destroy(&db->mutex);
	pthread_cond_destroy(&db->ending);
	free(db->active);
	free(db);
}

int routes_db_start(const struct config *c, struct route_queue *q, struct routes_db **ret_db,
		    struct err *e)
{
	const char *url = config_str(c, CFG_DATABASE_URL);
	struct routes_db *db = calloc(1, sizeof(*db));
	struct start *s = calloc(1, sizeof(*s));
	int rc;

	if (!db || !s || setenv("PGOPTIONS", PG_OPTIONS, 1) < 0) {
		free(db);
		free(s);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	db->queue = q;
	pthread_mutex_init(&db->mutex, NULL);
	pthread_cond_init(&db->ending, NULL);
	s->db = db;
	if (url[0] != '\0') {
		(void)snprintf(s->conninfo, sizeof(s->conninfo), "%s", url);
	} else {
		(void)snprintf(s->conninfo, sizeof(s->conninfo),
			       "host=%s/postgres dbname=slipway user=slipway_router",
			       config_str(c, CFG_RUN_DIR));
	}
	rc = pthread_create(&db->thread, NULL, run, s);
	if (rc != 0) {
		free(s);
		destroy(db);
		return err_set(e, ERR_INTERNAL, "cannot start a thread: %s", strerror(rc));
	}
	*ret_db = db;
	return 0;
}

void routes_db_stop(struct routes_db *db)
{
	if (!db) {
		return;
	}
	pthread_mutex_lock(&db->mutex);
	atomic_store(&db->stopping, true);
	pthread_cond_broadcast(&db->ending);
	pthread_mutex_unlock(&db->mutex);
	pthread_join(db->thread, NULL);
	destroy(db);
}

/* Under the mutex: room for `n` more. */
static bool make_room(struct routes_db *db, size_t n)
{
	size_t cap = db->n_active + n;
	void *grown;

	if (cap <= db->active_cap) {
		return true;
	}
	if (cap > ACTIVE_IDS_MAX) {
		return false;
	}
	grown = reallocarray(db->active, cap, sizeof(*db->active));
	if (!grown) {
		return false;
	}
	db->active = grown;
	db->active_cap = cap;
	return true;
}

void routes_db_active(struct routes_db *db, const char (*project_ids)[UUID_TEXT_BYTES], size_t n)
{
	pthread_mutex_lock(&db->mutex);
	if (n > 0 && make_room(db, n)) {
		memcpy(db->active + db->n_active, project_ids, n * sizeof(*project_ids));
		db->n_active += n;
	}
	pthread_mutex_unlock(&db->mutex);
}
