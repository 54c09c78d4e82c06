#include "db.h"

#include "cleanup.h"
#include "clock.h"

#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define PREPARED_MAX 256
#define PARAMS_MAX   24
#define BYTEA_OID    17

/* Longest silence of the server. Statements have time limits of their own there
 * (statement_timeout); this is for a server that is frozen or behind a dead network. */
#define WAIT_DEFAULT_MS 60000

struct db {
	char *conninfo;
	char *application_name;
	PGconn *conn;			    /* NULL: not connected */
	const char *prepared[PREPARED_MAX]; /* statement "s<i>" was made of this text */
	size_t n_prepared;
	bool in_transaction;
	int64_t wait_ms;
	char constraint[128];
};

struct db_result {
	PGresult *res;
	unsigned char **decoded; /* bytea values unescaped so far */
	size_t n_decoded;
};

struct db_param db_text(const char *s)
{
	return (struct db_param){.text = s, .len = -1};
}

struct db_param db_null(void)
{
	return db_text(NULL);
}

struct db_param db_bool(bool v)
{
	return db_text(v ? "t" : "f");
}

struct db_param db_int(int64_t v)
{
	struct db_param p = {.len = -1, .own = true};

	(void)snprintf(p.buf, sizeof(p.buf), "%" PRId64, v);
	return p;
}

struct db_param db_bytes(const void *bytes, size_t len)
{
	return (struct db_param){.text = bytes ? bytes : "", .len = (long)len};
}

struct db *db_create(const char *conninfo, const char *application_name)
{
	struct db *db = calloc(1, sizeof(*db));

	if (!db) {
		return NULL;
	}
	db->conninfo = strdup(conninfo);
	db->application_name = strdup(application_name);
	db->wait_ms = WAIT_DEFAULT_MS;
	if (!db->conninfo || !db->application_name) {
		db_destroy(db);
		return NULL;
	}
	return db;
}

static void disconnect(struct db *db)
{
	PQfinish(db->conn);
	db->conn = NULL;
	db->n_prepared = 0;
	db->in_transaction = false;
}

void db_set_wait(struct db *db, int64_t wait_ms)
{
	db->wait_ms = wait_ms;
}

void db_destroy(struct db *db)
{
	if (!db) {
		return;
	}
	disconnect(db);
	free(db->conninfo);
	free(db->application_name);
	free(db);
}

/* libpq's messages have several lines; the first says it. */
static void first_line(const char *message, char *buf, size_t cap)
{
	size_t len = strcspn(message, "\n");

	(void)snprintf(buf, cap, "%.*s", (int)(len < cap ? len : cap - 1), message);
}

static int connect_now(struct db *db, struct err *e)
{
	/* An expanded dbname may be a whole conninfo or URI; what follows it wins. */
	const char *keys[] = {"connect_timeout",  "keepalives_idle", "dbname",
			      "application_name", "client_encoding", NULL};
	const char *values[] = {"5", "10", db->conninfo, db->application_name, "UTF8", NULL};
	char line[300];

	db->conn = PQconnectdbParams(keys, values, 1);
	if (db->conn && PQstatus(db->conn) == CONNECTION_OK && PQsetnonblocking(db->conn, 1) == 0) {
		return 0;
	}
	first_line(db->conn ? PQerrorMessage(db->conn) : "out of memory", line, sizeof(line));
	disconnect(db);
	return err_set(e, ERR_UNAVAILABLE, "PostgreSQL: %s", line);
}

/* Connected, or -1. A connection lost inside a transaction is not made anew: its work is gone. */
static int ensure_connected(struct db *db, struct err *e)
{
	if (db->conn && PQstatus(db->conn) == CONNECTION_OK) {
		return 0;
	}
	if (db->in_transaction) {
		return err_set(e, ERR_UNAVAILABLE, "PostgreSQL: connection lost in a transaction");
	}
	disconnect(db);
	return connect_now(db, e);
}

static enum err_kind state_kind(const char *state)
{
	static const struct {
		const char *prefix;
		enum err_kind kind;
	} kinds[] = {
		{"08", ERR_UNAVAILABLE},    /* connection exception */
		{"57P", ERR_UNAVAILABLE},   /* shutting down, starting up, crashed */
		{"53300", ERR_UNAVAILABLE}, /* too many connections */
		{"53100", ERR_NO_SPACE},    /* disk full */
		{"53", ERR_UNAVAILABLE},    /* insufficient resources */
		{"57014", ERR_TIMEOUT},	    /* statement_timeout */
		{"55P03", ERR_TIMEOUT},	    /* lock_timeout */
		{"25006", ERR_UNAVAILABLE}, /* read-only: a standby */
		{"23505", ERR_CONFLICT},    /* unique */
		{"23P01", ERR_CONFLICT},    /* exclusion */
		{"40", ERR_CONFLICT},	    /* serialization, deadlock */
		{"23", ERR_INVALID},	    /* check, foreign key, not null */
		{"22", ERR_INVALID},	    /* data exception: bad text form, out of range */
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strncmp(state, kinds[i].prefix, strlen(kinds[i].prefix)) == 0) {
			return kinds[i].kind;
		}
	}
	return ERR_INTERNAL;
}

static int fail(struct db *db, PGresult *res, struct err *e)
{
	const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
	const char *constraint = res ? PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME) : NULL;
	enum err_kind kind = ERR_UNAVAILABLE;
	char line[300];

	(void)snprintf(db->constraint, sizeof(db->constraint), "%s", constraint ? constraint : "");
	first_line(res ? PQresultErrorMessage(res) : PQerrorMessage(db->conn), line, sizeof(line));
	if (PQstatus(db->conn) == CONNECTION_OK && state) {
		kind = state_kind(state);
	}
	err_set(e, kind, "PostgreSQL: %s (%s)", line, state ? state : "connection");
	PQclear(res);
	return -1;
}

static bool succeeded(const PGresult *res)
{
	ExecStatusType s = PQresultStatus(res);

	return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK;
}

/* The server does not answer: whatever it may still do, this connection is of no use. That a
 * transaction was open is remembered until the caller rolls back. */
static int give_up(struct db *db, struct err *e)
{
	bool in_transaction = db->in_transaction;

	disconnect(db);
	db->in_transaction = in_transaction;
	return err_set(e, ERR_UNAVAILABLE, "PostgreSQL: no answer for %" PRId64 " ms", db->wait_ms);
}

/* Sends what is unsent and waits until PQgetResult will not block. */
static int await(struct db *db, struct err *e)
{
	int64_t deadline_ms = clock_mono_ms() + db->wait_ms;

	for (;;) {
		int unsent = PQflush(db->conn);
		struct pollfd p = {.fd = PQsocket(db->conn), .events = POLLIN};
		int n;

		if (unsent < 0 || (unsent == 0 && !PQisBusy(db->conn))) {
			return 0;
		}
		p.events |= unsent > 0 ? POLLOUT : 0;
		n = poll(&p, 1, clock_poll_timeout(deadline_ms));
		if (n == 0) {
			return give_up(db, e);
		}
		if (n > 0 && !PQconsumeInput(db->conn)) {
			return 0; /* PQgetResult says what happened */
		}
	}
}

/* The last result of what was sent (`sent`: libpq took it); NULL: *e is filled. */
static PGresult *finish(struct db *db, int sent, struct err *e)
{
	PGresult *last = NULL, *next;

	while (sent) {
		if (await(db, e) < 0) {
			PQclear(last);
			return NULL;
		}
		next = PQgetResult(db->conn);
		if (!next) {
			break;
		}
		PQclear(last);
		last = next;
	}
	if (!last || !succeeded(last)) {
		fail(db, last, e);
		return NULL;
	}
	return last;
}

/* Name of the prepared statement of this text, made when it is new. */
static int prepare(struct db *db, const char *sql, char name[16], struct err *e)
{
	PGresult *res;
	size_t i;

	for (i = 0; i < db->n_prepared && db->prepared[i] != sql; i++) {
	}
	(void)snprintf(name, 16, "s%zu", i);
	if (i < db->n_prepared) {
		return 0;
	}
	if (i == PREPARED_MAX) {
		return err_set(e, ERR_INTERNAL, "more than %d statements", PREPARED_MAX);
	}
	res = finish(db, PQsendPrepare(db->conn, name, sql, 0, NULL), e);
	if (!res) {
		return -1;
	}
	PQclear(res);
	db->prepared[db->n_prepared++] = sql;
	return 0;
}

static PGresult *execute(struct db *db, const char *name, const struct db_param *params, size_t n,
			 struct err *e)
{
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX], formats[PARAMS_MAX];

	for (size_t i = 0; i < n; i++) {
		values[i] = params[i].own ? params[i].buf : params[i].text;
		lengths[i] = params[i].len >= 0 ? (int)params[i].len : 0;
		formats[i] = params[i].len >= 0 ? 1 : 0;
	}
	return finish(db, PQsendQueryPrepared(db->conn, name, (int)n, values, lengths, formats, 0),
		      e);
}

/* True when the server closed the connection while we were idle, as it does when it is restarted.
 * libpq alone would not tell: it stops reading at the server's farewell, and the next statement
 * fails. */
static bool closed_while_idle(const struct db *db)
{
	struct pollfd p = {.fd = PQsocket(db->conn), .events = POLLRDHUP};

	return !PQconsumeInput(db->conn) || PQstatus(db->conn) != CONNECTION_OK ||
	       (poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)));
}

int db_query(struct db *db, const char *sql, const struct db_param *params, size_t n_params,
	     struct db_result **ret, struct err *e)
{
	struct db_result *result;
	PGresult *res;
	char name[16];

	db->constraint[0] = '\0';
	if (n_params > PARAMS_MAX) {
		return err_set(e, ERR_INTERNAL, "more than %d parameters", PARAMS_MAX);
	}
	if (ensure_connected(db, e) < 0) {
		return -1;
	}
	/* Nothing was sent yet, so a new connection may take its place. */
	if (!db->in_transaction && closed_while_idle(db)) {
		disconnect(db);
		if (connect_now(db, e) < 0) {
			return -1;
		}
	}
	if (prepare(db, sql, name, e) < 0) {
		return -1;
	}
	res = execute(db, name, params, n_params, e);
	if (!res) {
		return -1;
	}
	if (!ret) {
		PQclear(res);
		return 0;
	}
	result = calloc(1, sizeof(*result));
	if (!result) {
		PQclear(res);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	result->res = res;
	*ret = result;
	return 0;
}

int db_script(struct db *db, const char *sql, struct err *e)
{
	PGresult *res;

	db->constraint[0] = '\0';
	if (ensure_connected(db, e) < 0) {
		return -1;
	}
	res = finish(db, PQsendQuery(db->conn, sql), e);
	if (!res) {
		return -1;
	}
	PQclear(res);
	return 0;
}

const char *db_constraint(const struct db *db)
{
	return db->constraint;
}

int db_begin(struct db *db, struct err *e)
{
	if (db_query(db, "BEGIN", DB_NO_ARGS, NULL, e) < 0) {
		return -1;
	}
	db->in_transaction = true;
	return 0;
}

int db_commit(struct db *db, struct err *e)
{
	auto_db_result r = NULL;
	int rc = db_query(db, "COMMIT", DB_NO_ARGS, &r, e);

	if (rc == 0 && strcmp(PQcmdStatus(r->res), "COMMIT") != 0) {
		rc = err_set(e, ERR_INTERNAL, "PostgreSQL: the transaction had failed before");
	}
	db->in_transaction = false;
	return rc;
}

void db_rollback(struct db *db)
{
	struct err ignored;

	if (!db->in_transaction) {
		return;
	}
	if (db->conn && PQstatus(db->conn) == CONNECTION_OK &&
	    db_script(db, "ROLLBACK", &ignored) < 0) {
		disconnect(db);
	}
	db->in_transaction = false;
}

void db_result_fini(struct db_result **r)
{
	if (!*r) {
		return;
	}
	for (size_t i = 0; i < (*r)->n_decoded; i++) {
		PQfreemem((*r)->decoded[i]);
	}
	free((*r)->decoded);
	PQclear((*r)->res);
	free(*r);
	*r = NULL;
}

size_t db_rows(const struct db_result *r)
{
	return (size_t)PQntuples(r->res);
}

int64_t db_affected(const struct db_result *r)
{
	return strtoll(PQcmdTuples(r->res), NULL, 10);
}

bool db_is_null(const struct db_result *r, size_t row, size_t col)
{
	return PQgetisnull(r->res, (int)row, (int)col);
}

const char *db_get(const struct db_result *r, size_t row, size_t col)
{
	return PQgetvalue(r->res, (int)row, (int)col);
}

int64_t db_get_int(const struct db_result *r, size_t row, size_t col)
{
	return strtoll(db_get(r, row, col), NULL, 10);
}

bool db_get_bool(const struct db_result *r, size_t row, size_t col)
{
	return db_get(r, row, col)[0] == 't';
}

int db_get_bytes(struct db_result *r, size_t row, size_t col, const void **ret_bytes,
		 size_t *ret_len, struct err *e)
{
	unsigned char **more, *bytes;

	if (PQftype(r->res, (int)col) != BYTEA_OID) {
		return err_set(e, ERR_INTERNAL, "column %zu is not bytea", col);
	}
	more = reallocarray(r->decoded, r->n_decoded + 1, sizeof(*more));
	if (!more) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	r->decoded = more;
	bytes = PQunescapeBytea((const unsigned char *)db_get(r, row, col), ret_len);
	if (!bytes) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	r->decoded[r->n_decoded++] = bytes;
	*ret_bytes = bytes;
	return 0;
}

static bool channel_ok(const char *s)
{
	return s[0] != '\0' && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(s);
}

int db_listen(struct db *db, const char *channel, struct err *e)
{
	char sql[100];

	if (!channel_ok(channel) || strlen(channel) > 63) {
		return err_set(e, ERR_INTERNAL, "not a channel name: %.60s", channel);
	}
	(void)snprintf(sql, sizeof(sql), "LISTEN %s", channel);
	return db_script(db, sql, e);
}

int db_unlisten(struct db *db, struct err *e)
{
	return db_script(db, "UNLISTEN *", e);
}

static bool take_notify(struct db *db, char *buf, size_t cap)
{
	PGnotify *n = PQnotifies(db->conn);

	if (!n) {
		return false;
	}
	(void)snprintf(buf, cap, "%s", n->extra);
	PQfreemem(n);
	return true;
}

int db_wait(struct db *db, int64_t deadline_ms, char *payload_buf, size_t cap, struct err *e)
{
	for (;;) {
		struct pollfd p = {.events = POLLIN};
		int n;

		if (!db->conn || !PQconsumeInput(db->conn) || PQstatus(db->conn) != CONNECTION_OK) {
			disconnect(db);
			return err_set(e, ERR_UNAVAILABLE, "PostgreSQL: connection lost");
		}
		if (take_notify(db, payload_buf, cap)) {
			return 1;
		}
		p.fd = PQsocket(db->conn);
		n = poll(&p, 1, clock_poll_timeout(deadline_ms));
		if (n < 0 && errno != EINTR) {
			return err_errno(e, ERR_INTERNAL, "cannot poll");
		}
		if (n == 0) {
			return 0;
		}
	}
}
