/* db on a real PostgreSQL: values, kinds of errors, and servers that go away or fall silent. */

#include "db.h"
#include "pg.h"
#include "unit.h"

#include <sched.h>

static struct pg pg;

static int start(void **state)
{
	(void)state;
	pg_start(&pg);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	pg_stop(&pg);
	return 0;
}

static void values_come_back_as_they_were(void **state)
{
	static const char bytes[] = {0, 1, '\\', '\'', -1, 0};
	auto_db_result r = NULL;
	const void *got;
	struct err e;
	size_t len;

	(void)state;
	assert_ok(db_query(pg.db, "SELECT $1::text, $2::bigint, $3::boolean, $4::bytea, $5::text",
			   DB_ARGS(db_text("it's \xC3\xBC"), db_int(INT64_MIN), db_bool(true),
				   db_bytes(bytes, sizeof(bytes)), db_null()),
			   &r, &e));
	assert_int_equal(db_rows(r), 1);
	assert_string_equal(db_get(r, 0, 0), "it's \xC3\xBC");
	assert_true(db_get_int(r, 0, 1) == INT64_MIN);
	assert_true(db_get_bool(r, 0, 2));
	assert_ok(db_get_bytes(r, 0, 3, &got, &len, &e));
	assert_int_equal(len, sizeof(bytes));
	assert_memory_equal(got, bytes, len);
	assert_true(db_is_null(r, 0, 4));
	assert_string_equal(db_get(r, 0, 4), "");
	assert_err(db_get_bytes(r, 0, 0, &got, &len, &e), ERR_INTERNAL);
}

static void errors_have_their_kind(void **state)
{
	struct err e;

	(void)state;
	assert_ok(db_script(pg.db,
			    "CREATE TABLE t (a int PRIMARY KEY CHECK (a > 0)); "
			    "INSERT INTO t VALUES (1)",
			    &e));
	assert_err(db_query(pg.db, "INSERT INTO t VALUES (1)", DB_NO_ARGS, NULL, &e), ERR_CONFLICT);
	assert_string_equal(db_constraint(pg.db), "t_pkey");
	assert_err(db_query(pg.db, "INSERT INTO t VALUES (0)", DB_NO_ARGS, NULL, &e), ERR_INVALID);
	assert_err(db_query(pg.db, "SELECT $1::int", DB_ARGS(db_text("x")), NULL, &e), ERR_INVALID);
	assert_err(db_query(pg.db, "SELEKT", DB_NO_ARGS, NULL, &e), ERR_INTERNAL);
	assert_ok(db_script(pg.db, "SET statement_timeout = 50", &e));
	assert_err(db_query(pg.db, "SELECT pg_sleep(5)", DB_NO_ARGS, NULL, &e), ERR_TIMEOUT);
	assert_ok(db_script(pg.db, "RESET statement_timeout", &e));
}

static void a_failed_transaction_does_not_commit(void **state)
{
	auto_db_result r = NULL;
	struct err e;

	(void)state;
	assert_ok(db_begin(pg.db, &e));
	assert_ok(db_query(pg.db, "INSERT INTO t VALUES (2)", DB_NO_ARGS, NULL, &e));
	assert_err(db_query(pg.db, "INSERT INTO t VALUES (2)", DB_NO_ARGS, NULL, &e), ERR_CONFLICT);
	assert_err(db_commit(pg.db, &e), ERR_INTERNAL);
	assert_ok(db_query(pg.db, "SELECT FROM t WHERE a = 2", DB_NO_ARGS, &r, &e));
	assert_int_equal(db_rows(r), 0);
}

/* The server process behind the connection. */
static pid_t backend(void)
{
	auto_db_result r = NULL;
	struct err e;

	assert_ok(db_query(pg.db, "SELECT pg_backend_pid()", DB_NO_ARGS, &r, &e));
	return (pid_t)db_get_int(r, 0, 0);
}

static void an_idle_connection_that_ended_is_made_anew(void **state)
{
	pid_t was = backend();
	struct db *other = db_create(pg.conninfo, "other");
	int64_t deadline_ms = clock_mono_ms() + 10000;
	struct err e;

	(void)state;
	assert_ok(
		db_query(other, "SELECT pg_terminate_backend($1)", DB_ARGS(db_int(was)), NULL, &e));
	while (kill(was, 0) == 0 && clock_mono_ms() < deadline_ms) {
		sched_yield();
	}
	assert_int_not_equal(backend(), was);
	db_destroy(other);
}

/* The rest of a lost transaction must not run on a new connection as if nothing had been before it.
 */
static void a_lost_transaction_stays_lost(void **state)
{
	pid_t was = backend();
	struct db *other = db_create(pg.conninfo, "other");
	auto_db_result r = NULL;
	struct err e;

	(void)state;
	assert_ok(db_begin(pg.db, &e));
	assert_ok(db_query(pg.db, "INSERT INTO t VALUES (3)", DB_NO_ARGS, NULL, &e));
	assert_ok(
		db_query(other, "SELECT pg_terminate_backend($1)", DB_ARGS(db_int(was)), NULL, &e));
	assert_err(db_query(pg.db, "INSERT INTO t VALUES (4)", DB_NO_ARGS, NULL, &e),
		   ERR_UNAVAILABLE);
	assert_err(db_query(pg.db, "INSERT INTO t VALUES (5)", DB_NO_ARGS, NULL, &e),
		   ERR_UNAVAILABLE);
	db_rollback(pg.db);
	assert_ok(db_query(pg.db, "SELECT FROM t WHERE a > 2", DB_NO_ARGS, &r, &e));
	assert_int_equal(db_rows(r), 0);
	db_destroy(other);
}

static void a_frozen_server_is_given_up(void **state)
{
	pid_t frozen = backend();
	int64_t start_ms = clock_mono_ms();
	struct err e;

	(void)state;
	db_set_wait(pg.db, 200);
	assert_int_equal(kill(frozen, SIGSTOP), 0);
	assert_err(db_query(pg.db, "SELECT 1", DB_NO_ARGS, NULL, &e), ERR_UNAVAILABLE);
	assert_non_null(strstr(e.text, "no answer for 200 ms"));
	assert_true(clock_mono_ms() - start_ms < 5000);
	assert_int_equal(kill(frozen, SIGCONT), 0);
	db_set_wait(pg.db, 5000);
	assert_ok(db_query(pg.db, "SELECT 1", DB_NO_ARGS, NULL, &e));
}

static void notifications_arrive(void **state)
{
	struct db *other = db_create(pg.conninfo, "other");
	char payload[20];
	struct err e;

	(void)state;
	assert_ok(db_listen(pg.db, "news", &e));
	assert_int_equal(db_wait(pg.db, clock_mono_ms() + 20, payload, sizeof(payload), &e), 0);
	assert_ok(db_query(other, "NOTIFY news, 'seven'", DB_NO_ARGS, NULL, &e));
	assert_int_equal(db_wait(pg.db, clock_mono_ms() + 5000, payload, sizeof(payload), &e), 1);
	assert_string_equal(payload, "seven");
	assert_err(db_listen(pg.db, "x; DROP TABLE t", &e), ERR_INTERNAL);
	db_destroy(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back_as_they_were),
		cmocka_unit_test(errors_have_their_kind),
		cmocka_unit_test(a_failed_transaction_does_not_commit),
		cmocka_unit_test(an_idle_connection_that_ended_is_made_anew),
		cmocka_unit_test(a_lost_transaction_stays_lost),
		cmocka_unit_test(a_frozen_server_is_given_up),
		cmocka_unit_test(notifications_arrive),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
