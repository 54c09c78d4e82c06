/* New versions on their way into a sandbox that runs: which, when, and what is started anew. */

/* First: names of its parameters are variables of the fixture. */
#include "fcgi-app/apps/sync_queue.c"

#include "app_fixture.h"
#include "apps/sync.h"

#include <pthread.h>

static char ids[3][UUID_TEXT_BYTES];

static const char *state_json(const char *state)
{
	static char text[200];

	(void)snprintf(text, sizeof(text), "{\"state\":\"%s\",\"start\":1,\"last_log_id\":1}",
		       state);
	return text;
}

/* An agent that takes one tar and then says how its app is; 0: it is not asked. */
static void agent_takes(struct fake_agent *a, const char *state)
{
	make_sandbox("running", "", a);
	strbuf_adds(fake_agent_answer(a), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
	if (state) {
		says(a, "200 OK", state_json(state));
	}
	fake_agent_start(a);
}

static void sync_from(int64_t from)
{
	struct err e;

	assert_ok(sync_project(&app, project_id, from, &e));
}

static void files_reach_the_sandbox_that_runs(void **state)
{
	struct fake_agent a;

	(void)state;
	make_project();
	agent_takes(&a, "running");
	sync_from(0);
	assert_true(was_asked(&a, "PUT /v1/tar "));
	assert_true(was_asked(&a, "index.html"));
	assert_int_equal(count("SELECT hydrated_version FROM sandboxes"), 1);
	fake_agent_stop(&a); /* no sandboxd was needed: there is none */
}

static void one_that_sleeps_or_is_being_started_is_left_alone(void **state)
{
	(void)state;
	make_project();
	make_sandbox("stopped", "", NULL);
	sync_from(0);
	make_sandbox("running", "files", NULL);
	sync_from(0);
	sql("DELETE FROM sandboxes");
	sync_from(0);
}

/* What happens after package.json changed, or another file, in such a state. */
static void restarts(const char *state, bool manifest, bool wanted)
{
	struct fake_agent a, broker;

	make_project();
	assert_int_equal(put(project_id, manifest ? "package.json" : "a.js", "{}", NULL), 201);
	make_broker(&broker);
	says(&broker, "202 Accepted", "{}");
	fake_agent_start(&broker);
	agent_takes(&a, state);
	sync_from(1);
	assert_int_equal(was_asked(&broker, "\"restart\":true"), wanted);
	fake_agent_stop(&a);
	fake_agent_stop(&broker);
}

static void a_new_manifest_restarts_the_app(void **state)
{
	(void)state;
	restarts("running", true, true);
	restarts("installing", true, true);
	restarts("running", false, false);
	restarts("stopped", true, false);
}

static void any_change_restarts_one_that_crashed(void **state)
{
	(void)state;
	restarts("crashed", false, true);
	restarts("exited", false, true);
}

static void whoever_stopped_it_or_generates_starts_it(void **state)
{
	struct fake_agent a;

	(void)state;
	make_project();
	sql("UPDATE projects SET app_stopped = true");
	agent_takes(&a, NULL);
	sync_from(0);
	assert_false(was_asked(&a, "/v1/app "));
	fake_agent_stop(&a);

	make_project();
	sql("INSERT INTO generations (project_id, user_id, mode, provider, model, prompt)"
	    " SELECT id, user_id, 'build', 'x', 'x', 'x' FROM projects WHERE NOT app_stopped");
	sql("UPDATE versions v SET generation_id = g.id FROM generations g"
	    " WHERE g.project_id = v.project_id");
	agent_takes(&a, NULL);
	sync_from(0);
	assert_true(was_asked(&a, "PUT /v1/tar "));
	assert_false(was_asked(&a, "/v1/app "));
	fake_agent_stop(&a);
}

static void storing_a_version_says_so(void **state)
{
	char payload[80], wanted[80];
	struct err e;

	(void)state;
	make_project();
	assert_ok(db_listen(pg.db, SYNC_CHANNEL, &e));
	assert_int_equal(put(project_id, "b.js", "1", NULL), 201);
	assert_int_equal(db_wait(pg.db, clock_mono_ms() + 5000, payload, sizeof(payload), &e), 1);
	(void)snprintf(wanted, sizeof(wanted), "%s 2", project_id);
	assert_string_equal(payload, wanted);
	assert_ok(db_unlisten(pg.db, &e));
}

/* The queue. */

static void takes(struct sync_queue *q, int id, int64_t from)
{
	char got[UUID_TEXT_BYTES];
	int64_t got_from;

	assert_true(sync_queue_take(q, got, &got_from));
	assert_string_equal(got, ids[id]);
	assert_int_equal(got_from, from);
}

static void news_of_one_project_is_one_job(void **state)
{
	struct sync_queue *q = sync_queue_create();

	(void)state;
	assert_true(sync_queue_add(q, ids[0], 5));
	assert_true(sync_queue_add(q, ids[1], 1));
	assert_true(sync_queue_add(q, ids[0], 6));
	assert_true(sync_queue_add(q, ids[0], 3));
	takes(q, 0, 3);
	/* What comes while it is worked at waits for its end. */
	assert_true(sync_queue_add(q, ids[0], 7));
	takes(q, 1, 1);
	sync_queue_done(q, ids[0], false, false);
	takes(q, 0, 7);
	sync_queue_destroy(q);
}

static void a_failure_is_not_found_again_at_once(void **state)
{
	struct sync_queue *q = sync_queue_create();

	(void)state;
	assert_true(sync_queue_add(q, ids[0], 1));
	takes(q, 0, 1);
	sync_queue_done(q, ids[0], true, false);
	assert_true(sync_queue_add_found(q, ids[0], 1)); /* not taken */
	assert_true(sync_queue_add_found(q, ids[1], 4));
	takes(q, 1, 4);
	assert_true(sync_queue_add(q, ids[0], 2)); /* a new version is, with what failed */
	takes(q, 0, 1);
	sync_queue_destroy(q);
}

/* Files arrived, but the app could not be told to start again: looking finds no such thing. */
static void a_failure_is_tried_again_from_where_it_began(void **state)
{
	struct sync_queue *q = sync_queue_create();

	(void)state;
	assert_true(sync_queue_add(q, ids[0], 3));
	takes(q, 0, 3);
	sync_queue_retry(q);
	assert_null(next(q)); /* it is at work */
	sync_queue_done(q, ids[0], true, false);
	sync_queue_retry(q);
	assert_null(next(q)); /* it rests */
	find(q, ids[0])->pause_until_ms = 0;
	sync_queue_retry(q);
	takes(q, 0, 3);
	sync_queue_done(q, ids[0], false, false);
	sync_queue_retry(q);
	assert_null(next(q));
	sync_queue_destroy(q);
}

static void slow_ones_share_one_thread(void **state)
{
	struct sync_queue *q = sync_queue_create();

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(sync_queue_add(q, ids[i], 1));
		takes(q, i, 1);
		sync_queue_done(q, ids[i], true, true);
	}
	assert_true(sync_queue_add(q, ids[0], 2));
	assert_true(sync_queue_add(q, ids[1], 2));
	assert_true(sync_queue_add(q, ids[2], 9));
	takes(q, 0, 1);
	takes(q, 2, 9); /* the second slow one has to wait */
	sync_queue_done(q, ids[0], false, false);
	takes(q, 1, 1);
	sync_queue_destroy(q);
}

static void *close_later(void *q)
{
	sync_queue_close(q);
	return NULL;
}

static void a_full_queue_says_so_and_a_closed_one_ends(void **state)
{
	struct sync_queue *q = sync_queue_create();
	char id[UUID_TEXT_BYTES];
	pthread_t thread;
	int64_t from;

	(void)state;
	for (int i = 0; i < SYNC_QUEUE_MAX; i++) {
		uuid_new(id);
		assert_true(sync_queue_add(q, id, 1));
	}
	assert_false(sync_queue_add(q, ids[0], 1));
	assert_true(sync_queue_add(q, id, 1));
	sync_queue_destroy(q);

	q = sync_queue_create();
	assert_int_equal(pthread_create(&thread, NULL, close_later, q), 0);
	assert_false(sync_queue_take(q, id, &from));
	pthread_join(thread, NULL);
	sync_queue_destroy(q);
}

static int start_with_ids(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		uuid_new(ids[i]);
	}
	return start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_reach_the_sandbox_that_runs),
		cmocka_unit_test(one_that_sleeps_or_is_being_started_is_left_alone),
		cmocka_unit_test(a_new_manifest_restarts_the_app),
		cmocka_unit_test(any_change_restarts_one_that_crashed),
		cmocka_unit_test(whoever_stopped_it_or_generates_starts_it),
		cmocka_unit_test(storing_a_version_says_so),
		cmocka_unit_test(news_of_one_project_is_one_job),
		cmocka_unit_test(a_failure_is_not_found_again_at_once),
		cmocka_unit_test(a_failure_is_tried_again_from_where_it_began),
		cmocka_unit_test(slow_ones_share_one_thread),
		cmocka_unit_test(a_full_queue_says_so_and_a_closed_one_ends),
	};

	return cmocka_run_group_tests(tests, start_with_ids, stop);
}
