#pragma once

/*
 * PostgreSQL through libpq; the only file that knows it. One connection, one thread. Statements are
 * prepared on first use and remembered by the address of their text, so `sql` must be a string
 * literal (or live as long as the connection). A lost connection is made anew on the next call,
 * never in the middle of a transaction.
 */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_result;

struct db_param {
	const char
		*text; /* NUL-terminated text form, or NULL for SQL NULL; or binary when len >= 0 */
	long len;      /* -1: text; otherwise bytes of a bytea in binary */
	char buf[24];  /* holds the text form of numbers */
	bool own;      /* `buf` is the text */
};

/* Parameters, by $1…: DB_ARGS(db_text(name), db_int(3), db_bytes(p, n), db_null()) */
struct db_param db_text(const char *s); /* NULL: SQL NULL */
struct db_param db_int(int64_t v);
struct db_param db_bool(bool v);
struct db_param db_bytes(const void *bytes, size_t len);
struct db_param db_null(void);

#define DB_ARGS(...)                                                                               \
	(struct db_param[]){__VA_ARGS__},                                                          \
		sizeof((struct db_param[]){__VA_ARGS__}) / sizeof(struct db_param)
#define DB_NO_ARGS NULL, 0

/* `conninfo` as libpq takes it; copied. Does not connect yet. */
struct db *db_create(const char *conninfo, const char *application_name);
void db_destroy(struct db *db);

/* Longest silence of the server before a call gives up with ERR_UNAVAILABLE; 60 s unless set. */
void db_set_wait(struct db *db, int64_t wait_ms);

/*
 * Runs one statement. *ret may be passed as NULL when rows do not matter. Errors:
 * ERR_UNAVAILABLE "PostgreSQL: …" (no connection, shutting down), ERR_CONFLICT (unique, exclusion,
 * serialization, deadlock), ERR_INVALID (check, foreign key, bad text form), ERR_TIMEOUT
 * (statement_timeout), ERR_NO_SPACE (disk full), ERR_INTERNAL otherwise. The text carries the
 * SQLSTATE.
 */
NODISCARD int db_query(struct db *db, const char *sql, const struct db_param *params,
		       size_t n_params, struct db_result **ret, struct err *e);

/* Several statements in one text, no parameters (migrations). */
NODISCARD int db_script(struct db *db, const char *sql, struct err *e);

/* Name of the violated constraint of the last failed db_query, or "". Borrowed until the next call.
 */
const char *db_constraint(const struct db *db);

NODISCARD int db_begin(struct db *db, struct err *e);
NODISCARD int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db); /* harmless outside a transaction */

void db_result_fini(struct db_result **r);
#define auto_db_result __attribute__((cleanup(db_result_fini))) struct db_result *

size_t db_rows(const struct db_result *r);	/* rows returned */
int64_t db_affected(const struct db_result *r); /* rows an INSERT, UPDATE or DELETE touched */
bool db_is_null(const struct db_result *r, size_t row, size_t col);
/* Text form, "" for NULL; borrowed until db_result_fini. */
const char *db_get(const struct db_result *r, size_t row, size_t col);
int64_t db_get_int(const struct db_result *r, size_t row, size_t col); /* 0 for NULL */
bool db_get_bool(const struct db_result *r, size_t row, size_t col);
/* A bytea column in binary; the bytes live until db_result_fini. ERR_INTERNAL if it is none. */
NODISCARD int db_get_bytes(struct db_result *r, size_t row, size_t col, const void **ret_bytes,
			   size_t *ret_len, struct err *e);

/* LISTEN on a channel of [a-z0-9_]; forgotten when the connection is lost (ERR_UNAVAILABLE then).
 */
NODISCARD int db_listen(struct db *db, const char *channel, struct err *e);
NODISCARD int db_unlisten(struct db *db, struct err *e); /* all channels */
/* Waits for any notification: 1 there was one (its payload in buf), 0 the deadline passed, -1. */
NODISCARD int db_wait(struct db *db, int64_t deadline_ms, char *payload_buf, size_t cap,
		      struct err *e);
