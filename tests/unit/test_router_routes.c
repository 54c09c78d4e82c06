/* routes on a real PostgreSQL: loading, following, and what is known while the database is away. */

#include "config.h"
#include "pg.h"
#include "preview-router/app.h"
#include "routes.h"
#include "turn_until.h"
#include "unit.h"

#include <event2/event.h>

#define DEADLINE_MS 15000
#define MANY	    2500 /* more than two pages */

static struct pg pg;
static struct event_base *base;
static struct config *config;
static int changed, upstream_changed, freed;

/* The rest of the router, as far as routes calls it. */
void policy_app_changed(struct app *app);
void policy_app_free(struct app *app);
void upstream_app_changed(struct app *app);
void upstream_app_free(struct app *app);

void policy_app_changed(struct app *app)
{
	(void)app;
	changed++;
}

void policy_app_free(struct app *app)
{
	(void)app;
	freed++;
}

void upstream_app_changed(struct app *app)
{
	(void)app;
	upstream_changed++;
}

void upstream_app_free(struct app *app)
{
	(void)app;
}

static void sql(const char *text)
{
	struct err e;

	assert_ok(db_script(pg.db, text, &e));
}

static void turn(void)
{
	const struct timeval soon = {.tv_usec = 20000};

	event_base_loopexit(base, &soon);
	event_base_loop(base, EVLOOP_ONCE);
}

static struct app *find(const char *slug)
{
	return routes_find(slug, strlen(slug));
}

static void add_project(const char *slug)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		       "INSERT INTO slugs (slug) VALUES ('%s');"
		       "WITH u AS (INSERT INTO users (email, role)"
		       " VALUES ('%s@example.com', 'member') RETURNING id)"
		       " INSERT INTO projects (user_id, slug, name) SELECT id, '%s', 'x' FROM u",
		       slug, slug, slug);
	sql(text);
}

static void add_sandbox(const char *slug, int port, char secret)
{
	static int uid = 100000;
	char text[1024], hex[65];

	memset(hex, secret, 64);
	hex[64] = '\0';
	(void)snprintf(text, sizeof(text),
		       "INSERT INTO sandboxes (id, user_id, project_id, profile, actual_state,"
		       " container_name, host_uid, agent_socket, port, relay_secret)"
		       " SELECT gen_random_uuid(), user_id, id, 'app', 'running', slug, %d, '',"
		       " %d, '%s' FROM projects WHERE slug = '%s'",
		       uid++, port, hex, slug);
	sql(text);
}

static int start(void **state)
{
	struct err e;

	(void)state;
	pg_start(&pg);
	(void)setenv("DATABASE_URL", pg.conninfo, 1);
	assert_ok(config_load(NULL, &config, &e));
	base = event_base_new();
	assert_non_null(base);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	event_base_free(base);
	config_destroy(config);
	pg_stop(&pg);
	return 0;
}

static int start_routes(void **state)
{
	struct err e;

	(void)state;
	changed = upstream_changed = freed = 0;
	assert_ok(routes_start(base, config, &e));
	turn_until(routes_loaded());
	return 0;
}

static int stop_routes(void **state)
{
	(void)state;
	routes_stop();
	sql("DELETE FROM sandboxes; DELETE FROM projects");
	return 0;
}

static void it_is_followed(void **state)
{
	uint64_t epoch;
	struct app *app;

	(void)state;
	assert_null(find("shop"));
	assert_non_null(routes_preview_key());
	add_project("shop");
	turn_until(find("shop"));
	app = find("shop");
	assert_int_equal(app->state, APP_STOPPED);
	assert_false(app->is_public || app->app_stopped || app->has_files);
	assert_int_equal(routes_count(), 1);

	epoch = app->epoch;
	add_sandbox("shop", 20001, 'a');
	turn_until(app->port == 20001);
	assert_int_equal(app->state, APP_RUNNING);
	assert_int_equal(strlen(app->secret), 64);
	assert_int_not_equal(app->epoch, epoch);
	assert_int_equal(upstream_changed, 1);

	epoch = app->epoch;
	sql("UPDATE projects SET visibility = 'public', app_stopped = true, head_version = 3");
	turn_until(app->is_public && app->app_stopped && app->has_files);
	sql("UPDATE sandboxes SET phase = 'packages', error = repeat('\xC3\xA4', 600)");
	turn_until(strcmp(app->phase, "packages") == 0);
	assert_int_equal(strlen(app->error), APP_ERROR_BYTES - 2); /* whole characters */
	assert_int_equal(app->epoch, epoch);
	assert_int_equal(upstream_changed, 1);

	sql("UPDATE sandboxes SET relay_secret = repeat('b', 64)");
	turn_until(app->secret[0] == 'b');
	assert_int_not_equal(app->epoch, epoch);
	assert_int_equal(upstream_changed, 2);

	sql("UPDATE sandboxes SET actual_state = 'stopped', port = NULL, relay_secret = NULL");
	turn_until(app->port == 0);
	assert_string_equal(app->secret, "");
	assert_ptr_equal(find("shop"), app);
}

static void shares_come_and_go(void **state)
{
	struct app *app;

	(void)state;
	add_project("shared");
	turn_until(find("shared"));
	app = find("shared");
	sql("INSERT INTO shares (project_id, expires_at) SELECT id, '2001-09-09 01:46:40.9Z' FROM "
	    "projects");
	turn_until(app->n_shares == 1);
	assert_int_equal(app->shares[0].expires_s, 1000000000);
	sql("INSERT INTO shares (project_id) SELECT id FROM projects");
	sql("INSERT INTO shares (project_id, expires_at) SELECT id, 'infinity' FROM projects");
	turn_until(app->n_shares == 3);
	sql("UPDATE shares SET revoked_at = now() WHERE expires_at < now()");
	turn_until(app->n_shares == 2);
	assert_true(app->shares[0].expires_s == INT64_MAX && app->shares[1].expires_s == INT64_MAX);
	sql("DELETE FROM shares");
	turn_until(app->n_shares == 0);
}

static void what_is_gone_lives_as_long_as_it_is_held(void **state)
{
	struct app *app;

	(void)state;
	add_project("held");
	turn_until(find("held"));
	app = find("held");
	app_ref(app);
	sql("UPDATE projects SET deleted_at = now()");
	turn_until(!find("held"));
	assert_true(app->gone);
	assert_int_equal(routes_count(), 0);
	assert_int_equal(freed, 0);
	app_unref(app);
	assert_int_equal(freed, 1);
}

static int count_apps;

static void count(void *ctx, struct app *app)
{
	assert_ptr_equal(ctx, &count_apps);
	assert_int_equal(strlen(app->project_id), UUID_TEXT_BYTES - 1);
	count_apps++;
}

static void what_changed_meanwhile_is_seen_after_a_reconnect(void **state)
{
	char text[400];
	struct app *app;

	(void)state;
	(void)snprintf(text, sizeof(text),
		       "INSERT INTO slugs (slug) SELECT 'm' || n FROM generate_series(1, %d) n;"
		       "INSERT INTO projects (user_id, slug, name) SELECT u.id, 'm' || n, 'x'"
		       " FROM generate_series(1, %d) n, (SELECT id FROM users LIMIT 1) u",
		       MANY, MANY);
	sql(text);
	turn_until(routes_count() == MANY);
	count_apps = 0;
	routes_each(count, &count_apps);
	assert_int_equal(count_apps, MANY);
	app = find("m7");
	assert_non_null(app);
	assert_int_equal(changed, MANY);

	/* Nobody hears of these two changes: the triggers are off. */
	sql("SET session_replication_role = replica;"
	    "UPDATE projects SET visibility = 'public' WHERE slug = 'm7';"
	    "DELETE FROM projects WHERE slug = 'm8';"
	    "SET session_replication_role = origin");
	turn();
	assert_false(app->is_public);
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
	    " WHERE application_name = 'slipway-router listen'");
	turn_until(app->is_public);
	turn_until(!find("m8"));
	assert_int_equal(routes_count(), MANY - 1);
	assert_ptr_equal(find("m7"), app);
	/* The others are as they were, so nobody was troubled. */
	assert_int_equal(changed, MANY + 2);
	turn_until(routes_connected());
}

static void it_outlives_the_database(void **state)
{
	(void)state;
	add_project("lasting");
	turn_until(find("lasting"));
	assert_int_equal(kill(pg.pid, SIGSTOP), 0);
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
	    " WHERE application_name LIKE 'slipway-router%'");
	turn_until(!routes_connected());
	assert_non_null(find("lasting"));
	assert_non_null(routes_preview_key());
	assert_true(routes_loaded());
	assert_int_equal(kill(pg.pid, SIGCONT), 0);
	turn_until(routes_connected());
	assert_non_null(find("lasting"));
}

static bool is_recent(void)
{
	auto_db_result r = NULL;
	struct err e;

	assert_ok(db_query(pg.db,
			   "SELECT FROM sandboxes WHERE last_activity_at > now() - interval '1 h'",
			   DB_NO_ARGS, &r, &e));
	return db_rows(r) == 1;
}

static void activity_is_written(void **state)
{
	char ids[2][UUID_TEXT_BYTES];

	(void)state;
	add_project("used");
	add_sandbox("used", 20002, 'c');
	turn_until(find("used"));
	sql("UPDATE sandboxes SET last_activity_at = now() - interval '1 day'");
	assert_false(is_recent());
	memcpy(ids[0], find("used")->project_id, sizeof(ids[0]));
	uuid_new(ids[1]);
	routes_active((const char(*)[UUID_TEXT_BYTES])ids, 2);
	turn_until(is_recent());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_followed, start_routes, stop_routes),
		cmocka_unit_test_setup_teardown(shares_come_and_go, start_routes, stop_routes),
		cmocka_unit_test_setup_teardown(what_is_gone_lives_as_long_as_it_is_held,
						start_routes, stop_routes),
		cmocka_unit_test_setup_teardown(what_changed_meanwhile_is_seen_after_a_reconnect,
						start_routes, stop_routes),
		cmocka_unit_test_setup_teardown(it_outlives_the_database, start_routes,
						stop_routes),
		cmocka_unit_test_setup_teardown(activity_is_written, start_routes, stop_routes),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
