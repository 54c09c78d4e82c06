/* The janitor's chores and the migrations, on a real cluster. */

#include "config.h"
#include "janitor.h"
#include "log.h"
#include "migrate.h"
#include "pg.h"
#include "unit.h"

#include <sys/wait.h>

static struct pg pg;

static void run_sql(const char *sql)
{
	struct err e;

	assert_ok(db_script(pg.db, sql, &e));
}

static int64_t count(const char *sql)
{
	auto_db_result r = NULL;
	struct err e;

	assert_ok(db_query(pg.db, sql, DB_NO_ARGS, &r, &e));
	return db_get_int(r, 0, 0);
}

static int fresh_rows(void **state)
{
	(void)state;
	run_sql("SET client_min_messages = warning; TRUNCATE users, slugs, blobs CASCADE;"
		"INSERT INTO users (id, email, role) VALUES"
		" ('00000000-0000-4000-8000-000000000001', 'ada@x', 'owner');"
		"INSERT INTO slugs VALUES ('one'), ('two'), ('three');"
		"INSERT INTO projects (id, user_id, slug, name) SELECT"
		" ('00000000-0000-4000-8000-00000000001' || n)::uuid,"
		" '00000000-0000-4000-8000-000000000001', s, s"
		" FROM (VALUES (1, 'one'), (2, 'two'), (3, 'three')) AS v (n, s)");
	return 0;
}

static void ends_generations_without_a_worker(void **state)
{
	(void)state;
	run_sql("INSERT INTO generations"
		" (id, project_id, user_id, mode, provider, model, prompt, heartbeat_at) SELECT"
		" ('00000000-0000-4000-8000-00000000002' || n)::uuid,"
		" ('00000000-0000-4000-8000-00000000001' || n)::uuid,"
		" '00000000-0000-4000-8000-000000000001', 'build', 'offline', 'offline', 'x',"
		" now() - make_interval(secs => age)"
		" FROM (VALUES (1, 31), (2, 20), (3, 3600)) AS v (n, age);"
		"INSERT INTO generation_events (generation_id, seq, type, data) VALUES"
		" ('00000000-0000-4000-8000-000000000021', 1, 'generation', '{}'),"
		" ('00000000-0000-4000-8000-000000000021', 2, 'message', '{}')");
	janitor_round(pg.db, false);
	janitor_round(pg.db, false); /* nothing is done twice */
	assert_int_equal(count("SELECT count(*) FROM generations WHERE state = 'interrupted'"
			       " AND finished_at IS NOT NULL AND error->>'status' IS NOT NULL"),
			 2);
	assert_int_equal(count("SELECT count(*) FROM generations WHERE state = 'running'"), 1);
	assert_int_equal(count("SELECT count(*) FROM generation_events WHERE"
			       " generation_id = '00000000-0000-4000-8000-000000000021' AND"
			       " (seq, type) IN ((3, 'error'), (4, 'done'))"),
			 2);
	assert_int_equal(count("SELECT count(*) FROM generation_events WHERE"
			       " generation_id = '00000000-0000-4000-8000-000000000023' AND"
			       " (seq, type) IN ((1, 'error'), (2, 'done'))"),
			 2);
	assert_int_equal(count("SELECT count(*) FROM generation_events WHERE type = 'done'"
			       " AND data::json->>'state' = 'interrupted'"),
			 2);
	assert_int_equal(count("SELECT count(*) FROM generation_events"), 6);
}

static void announces_what_it_ends(void **state)
{
	struct db *listener = db_create(pg.conninfo, "listener");
	char payload[64] = "";
	struct err e;

	(void)state;
	assert_ok(db_listen(listener, "generation", &e));
	run_sql("INSERT INTO generations"
		" (id, project_id, user_id, mode, provider, model, prompt, heartbeat_at) VALUES"
		" ('00000000-0000-4000-8000-000000000031', '00000000-0000-4000-8000-000000000011',"
		" '00000000-0000-4000-8000-000000000001', 'build', 'o', 'o', 'x', 'yesterday')");
	janitor_round(pg.db, false);
	assert_int_equal(db_wait(listener, clock_mono_ms() + 5000, payload, sizeof(payload), &e),
			 1);
	assert_string_equal(payload, "00000000-0000-4000-8000-000000000031");
	db_destroy(listener);
}

static void removes_sessions_that_expired(void **state)
{
	(void)state;
	run_sql("INSERT INTO sessions (user_id, hash, expires_at) SELECT id, h, now() + t FROM "
		"users,"
		" (VALUES ('a', interval '-1 second'), ('b', interval '1 hour')) AS v (h, t)");
	janitor_round(pg.db, false);
	assert_int_equal(count("SELECT count(*) FROM sessions"), 1);
	assert_int_equal(count("SELECT count(*) FROM sessions WHERE hash = 'b'"), 1);
}

static void forgets_wrong_passwords_after_a_day(void **state)
{
	(void)state;
	run_sql("INSERT INTO password_failures (email, failed, last_at) VALUES"
		" ('old@x', 9, now() - interval '25 hours'),"
		" ('new@x', 9, now() - interval '23 hours')");
	janitor_round(pg.db, true);
	assert_int_equal(count("SELECT count(*) FROM password_failures"), 1);
	assert_int_equal(count("SELECT count(*) FROM password_failures WHERE email = 'new@x'"), 1);
}

static void purges_projects_once_their_sandbox_is_gone(void **state)
{
	(void)state;
	run_sql("UPDATE projects SET deleted_at = now() - interval '8 days' WHERE slug IN ('one', "
		"'two');"
		"UPDATE projects SET deleted_at = now() - interval '6 days' WHERE slug = 'three';"
		"INSERT INTO sandboxes (id, user_id, project_id, profile, container_name, host_uid,"
		" agent_socket) SELECT gen_random_uuid(), user_id, id, 'script', 'c', 1, '/x'"
		" FROM projects WHERE slug = 'two'");
	janitor_round(pg.db, false);
	assert_int_equal(count("SELECT count(*) FROM projects"), 3);
	janitor_round(pg.db, true);
	assert_int_equal(count("SELECT count(*) FROM projects"), 2);
	assert_int_equal(count("SELECT count(*) FROM projects WHERE slug = 'one'"), 0);
	run_sql("DELETE FROM sandboxes");
	janitor_round(pg.db, true);
	assert_int_equal(count("SELECT count(*) FROM projects"), 1);
	assert_int_equal(count("SELECT count(*) FROM slugs"), 3); /* never reused */
}

static void removes_blobs_nobody_refers_to(void **state)
{
	(void)state;
	run_sql("INSERT INTO blobs (sha256, bytes, created_at) SELECT repeat(c, 64), '',"
		" now() - age FROM (VALUES ('a', interval '2 hours'), ('b', interval '2 hours'),"
		" ('c', interval '10 minutes')) AS v (c, age);"
		"INSERT INTO versions (project_id, n, kind, author_id, file_count, size_bytes)"
		" SELECT id, 1, 'edit', user_id, 1, 0 FROM projects WHERE slug = 'one';"
		"INSERT INTO version_files (project_id, n, path, sha256, size_bytes, changed_in)"
		" SELECT id, 1, 'a.js', repeat('a', 64), 0, 1 FROM projects WHERE slug = 'one'");
	janitor_round(pg.db, true);
	assert_int_equal(count("SELECT count(*) FROM blobs"), 2);
	assert_int_equal(count("SELECT count(*) FROM blobs WHERE sha256 = repeat('b', 64)"), 0);
}

static void removes_old_events_and_runs(void **state)
{
	(void)state;
	run_sql("INSERT INTO generations (id, project_id, user_id, mode, provider, model, prompt, "
		"state,"
		" finished_at) SELECT ('00000000-0000-4000-8000-00000000004' || n)::uuid,"
		" '00000000-0000-4000-8000-000000000011', '00000000-0000-4000-8000-000000000001',"
		" 'build', 'o', 'o', 'x', 'done', now() - make_interval(days => d)"
		" FROM (VALUES (1, 31), (2, 29)) AS v (n, d);"
		"INSERT INTO generation_events (generation_id, seq, type, data)"
		" SELECT id, 1, 'done', '{}' FROM generations;"
		"INSERT INTO runs (id, user_id, duration_ms, output_bytes, created_at) SELECT"
		" gen_random_uuid(), id, 1, 1, now() - make_interval(days => d) FROM users,"
		" (VALUES (91), (89)) AS v (d)");
	janitor_round(pg.db, true);
	assert_int_equal(count("SELECT count(*) FROM generations"), 2);
	assert_int_equal(count("SELECT count(*) FROM generation_events"), 1);
	assert_int_equal(count("SELECT count(*) FROM runs"), 1);
}

/* A configuration for a database of its own, empty. */
static struct config *empty_database(const char *name)
{
	struct config *config;
	char url[300], sql[100];
	struct err e;

	(void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
	run_sql(sql);
	(void)snprintf(url, sizeof(url), "host=%s user=test dbname=%s", pg.dir, name);
	setenv("DATABASE_URL", url, 1);
	assert_ok(config_load(NULL, &config, &e));
	return config;
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[200];
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_ok(fs_write_atomic(path, text, strlen(text), 0644, &e));
}

static int64_t count_in(const struct config *config, const char *sql)
{
	struct db *db = db_create(config_str(config, CFG_DATABASE_URL), "test");
	auto_db_result r = NULL;
	struct err e;
	int64_t n;

	assert_ok(db_query(db, sql, DB_NO_ARGS, &r, &e));
	n = db_get_int(r, 0, 0);
	db_result_fini(&r);
	db_destroy(db);
	return n;
}

static void migrates_forward_once(void **state)
{
	struct config *config = empty_database("m1");
	char dir[] = "/tmp/slipway-migrate-XXXXXX";
	const char *const rm[] = {"rm", "-rf", dir, NULL};
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_err(migrate_run(config, "/nonexistent", &e), ERR_INVALID);
	assert_err(migrate_run(config, dir, &e), ERR_INVALID);
	write_file(dir, "0001_first.sql", "CREATE TABLE a (n integer); INSERT INTO a VALUES (1);");
	write_file(dir, "README.md", "not a migration");
	assert_ok(migrate_run(config, dir, &e));
	assert_ok(migrate_run(config, dir, &e));
	assert_int_equal(count_in(config, "SELECT count(*) FROM a"), 1);

	/* One that fails leaves nothing behind, and what came before stays. */
	write_file(dir, "0002_second.sql", "INSERT INTO a VALUES (2); SELECT nonsense;");
	assert_true(migrate_run(config, dir, &e) < 0);
	assert_non_null(strstr(e.text, "0002_second.sql"));
	assert_int_equal(count_in(config, "SELECT count(*) FROM a"), 1);
	write_file(dir, "0002_second.sql", "INSERT INTO a VALUES (2)");
	assert_ok(migrate_run(config, dir, &e));
	assert_int_equal(count_in(config, "SELECT count(*) FROM a"), 2);

	write_file(dir, "0001_first.sql", "CREATE TABLE a (n bigint)");
	assert_err(migrate_run(config, dir, &e), ERR_CONFLICT);
	assert_non_null(strstr(e.text, "0001_first.sql"));
	assert_ok(proc_run(&(struct proc_opts){.argv = rm, .timeout_ms = 10000}, &e));
	config_destroy(config);
}

static void two_migrations_at_once_are_safe(void **state)
{
	struct config *config = empty_database("m2");
	pid_t pids[4];
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			_exit(migrate_run(config, "migrations", &e) < 0);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(count_in(config, "SELECT min(version) FROM schema_migrations"), 1);
	config_destroy(config);
}

static int setup(void **state)
{
	(void)state;
	log_init("test", LOG_ERROR);
	pg_start(&pg);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pg_stop(&pg);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ends_generations_without_a_worker, fresh_rows),
		cmocka_unit_test_setup(announces_what_it_ends, fresh_rows),
		cmocka_unit_test_setup(removes_sessions_that_expired, fresh_rows),
		cmocka_unit_test_setup(forgets_wrong_passwords_after_a_day, fresh_rows),
		cmocka_unit_test_setup(purges_projects_once_their_sandbox_is_gone, fresh_rows),
		cmocka_unit_test_setup(removes_blobs_nobody_refers_to, fresh_rows),
		cmocka_unit_test_setup(removes_old_events_and_runs, fresh_rows),
		cmocka_unit_test(migrates_forward_once),
		cmocka_unit_test(two_migrations_at_once_are_safe),
	};

	return cmocka_run_group_tests_name("janitor and migrations", tests, setup, teardown);
}
