/* The events of a generation: batched, stored before they are sent, resumed by id; on a real
 * PostgreSQL. */

#include "generate/event_log.h"

#include "generate/handlers.h"
#include "project_calls.h"

#include <pthread.h>

static char project[UUID_TEXT_BYTES], generation[UUID_TEXT_BYTES];

static int64_t count(const char *sql)
{
	auto_db_result r = NULL;
	struct err e;

	assert_ok(db_query(pg.db, sql, DB_ARGS(db_text(generation)), &r, &e));
	return db_get_int(r, 0, 0);
}

static int64_t stored(void)
{
	return count("SELECT count(*) FROM generation_events WHERE generation_id = $1");
}

static int fresh_generation(void **state)
{
	auto_db_result r = NULL;
	struct err e;

	(void)state;
	new_project(ann, "events", project);
	assert_ok(db_query(
		pg.db,
		"INSERT INTO generations (project_id, user_id, mode, provider, model,"
		" prompt) VALUES ($1, $2, 'build', 'offline', 'offline', 'hi') RETURNING id",
		DB_ARGS(db_text(project), db_text(ann)), &r, &e));
	(void)snprintf(generation, sizeof(generation), "%s", db_get(r, 0, 0));
	return 0;
}

static void finish(void)
{
	struct err e;

	assert_ok(db_query(pg.db, "UPDATE generations SET state = 'done' WHERE id = $1",
			   DB_ARGS(db_text(generation)), NULL, &e));
}

static json_t *word(const char *text)
{
	return json_pack("{s:s}", "text", text);
}

static void pass_time(struct event_log *log)
{
	log->flushed_ms -= EVENT_BATCH_MS;
}

static void the_first_goes_at_once_the_next_wait(void **state)
{
	struct event_log log;
	struct fake f;
	struct err e;
	size_t sent;

	(void)state;
	fake_init(&f, ann, NULL);
	event_log_open(&log, &app, generation, &f.rs);
	assert_ok(event_log_add(&log, "message", word("a"), &e));
	assert_int_equal(stored(), 1);
	assert_non_null(strstr(fake_body(&f), "id: 1\nevent: message\ndata: {\"text\":\"a\"}\n\n"));
	sent = f.out.len;

	log.flushed_ms = clock_mono_ms() + 1000; /* "just now", however slow this machine is */
	assert_ok(event_log_add(&log, "message", word("b"), &e));
	assert_ok(event_log_add(&log, "message", word("c"), &e));
	assert_ok(event_log_tick(&log, &e));
	assert_int_equal(stored(), 1);
	assert_int_equal(f.out.len, sent);

	log.flushed_ms = clock_mono_ms();
	pass_time(&log);
	assert_ok(event_log_tick(&log, &e));
	assert_int_equal(stored(), 3);
	assert_non_null(strstr(fake_body(&f), "id: 3\nevent: message\ndata: {\"text\":\"c\"}\n\n"));
	event_log_fini(&log);
	fake_fini(&f);
}

static void a_full_batch_and_milestones_go_at_once(void **state)
{
	static char big[EVENT_BATCH_BYTES + 1];
	struct event_log log;
	struct err e;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	event_log_open(&log, &app, generation, NULL);
	log.flushed_ms = clock_mono_ms() + 100000;
	assert_ok(event_log_add(&log, "message", word("a"), &e));
	assert_int_equal(stored(), 0);
	assert_ok(event_log_add(&log, "message", word(big), &e));
	assert_int_equal(stored(), 2);
	log.flushed_ms = clock_mono_ms() + 100000;
	assert_ok(event_log_add(&log, "version", word("v"), &e));
	assert_int_equal(stored(), 3);
	assert_ok(event_log_add(&log, "done", word("d"), &e));
	assert_int_equal(stored(), 4);
	event_log_fini(&log);
}

static void strange_text_survives(void **state)
{
	auto_db_result r = NULL;
	struct event_log log;
	struct err e;

	(void)state;
	event_log_open(&log, &app, generation, NULL);
	assert_ok(event_log_add(&log, "message",
				json_pack("{s:s%}", "text", "a\0\"\\\n\r\xc3\xa4", (size_t)8), &e));
	assert_ok(event_log_flush(&log, &e));
	assert_ok(db_query(pg.db, "SELECT data FROM generation_events WHERE generation_id = $1",
			   DB_ARGS(db_text(generation)), &r, &e));
	assert_string_equal(db_get(r, 0, 0), "{\"text\":\"a\\u0000\\\"\\\\\\n\\r\xc3\xa4\"}");
	assert_err(event_log_add(&log, "message", NULL, &e), ERR_INTERNAL);
	event_log_fini(&log);
}

static void a_client_that_left_is_no_error(void **state)
{
	struct event_log log;
	struct fake f;
	struct err e;

	(void)state;
	fake_init(&f, ann, NULL);
	event_log_open(&log, &app, generation, &f.rs);
	assert_ok(event_log_add(&log, "message", word("a"), &e));
	f.gone = true;
	pass_time(&log);
	assert_ok(event_log_add(&log, "message", word("b"), &e));
	assert_ok(event_log_add(&log, "done", word("c"), &e));
	assert_int_equal(stored(), 3);
	event_log_fini(&log);
	fake_fini(&f);
}

/* Not stored, not sent: a client never knows an event that it could not resume from. */
static void what_is_not_stored_is_not_sent(void **state)
{
	struct db *down = db_create("host=/nonexistent user=x", "unit test");
	struct event_log log;
	struct fake f;
	struct err e;
	size_t head;

	(void)state;
	fake_init(&f, ann, NULL);
	event_log_open(&log, &app, generation, &f.rs);
	head = f.out.len;
	app.db = down;
	assert_err(event_log_add(&log, "message", word("a"), &e), ERR_UNAVAILABLE);
	assert_int_equal(f.out.len, head);
	app.db = pg.db;
	assert_ok(event_log_flush(&log, &e));
	assert_ok(event_log_flush(&log, &e));
	assert_int_equal(stored(), 1);
	assert_true(f.out.len > head);
	event_log_fini(&log);
	fake_fini(&f);
	db_destroy(down);
}

static int watch(struct fake *f, const char *header, const char *query)
{
	return call(&(struct call){.handler = generation_events_get,
				   .user = ann,
				   .params = {project, generation},
				   .query = query,
				   .header = {header ? "HTTP_LAST_EVENT_ID" : NULL, header}},
		    NULL, f);
}

static void add_three_and_finish(void)
{
	struct event_log log;
	struct err e;

	event_log_open(&log, &app, generation, NULL);
	assert_ok(event_log_add(&log, "message", word("a"), &e));
	assert_ok(event_log_add(&log, "message", word("b"), &e));
	assert_ok(event_log_add(&log, "done", word("c"), &e));
	event_log_fini(&log);
	finish();
}

static void a_reader_resumes_by_id(void **state)
{
	struct fake f;
	int64_t begin_ms = clock_mono_ms();

	(void)state;
	add_three_and_finish();
	assert_int_equal(watch(&f, NULL, NULL), 200);
	assert_string_equal(fake_body(&f), "retry: 500\n\n"
					   "id: 1\nevent: message\ndata: {\"text\":\"a\"}\n\n"
					   "id: 2\nevent: message\ndata: {\"text\":\"b\"}\n\n"
					   "id: 3\nevent: done\ndata: {\"text\":\"c\"}\n\n");
	fake_fini(&f);
	assert_int_equal(watch(&f, "2", NULL), 200);
	assert_string_equal(fake_body(&f),
			    "retry: 500\n\nid: 3\nevent: done\ndata: {\"text\":\"c\"}\n\n");
	fake_fini(&f);
	assert_int_equal(watch(&f, NULL, "after=2"), 200);
	assert_non_null(strstr(fake_body(&f), "id: 3\n"));
	fake_fini(&f);
	assert_int_equal(watch(&f, "3", NULL), 204); /* an EventSource stops at that */
	fake_fini(&f);
	assert_int_equal(watch(&f, NULL, "after=3"), 200);
	fake_fini(&f);
	assert_int_equal(watch(&f, "x", NULL), 400);
	fake_fini(&f);
	assert_int_equal(watch(&f, "-1", NULL), 400);
	fake_fini(&f);
	assert_int_equal(watch(&f, "99999999999", NULL), 400);
	fake_fini(&f);
	assert_true(clock_mono_ms() - begin_ms < 5000);
}

/* A worker of its own: waits until the reader has what was there, then goes on. */
static void *write_more(void *ctx)
{
	struct app other = app;
	struct event_log log;
	struct err e;

	(void)ctx;
	other.db = db_create(pg.conninfo, "unit test writer");
	event_log_open(&log, &other, generation, NULL);
	log.next_seq = 2;
	for (;;) { /* a reader that listens shows in pg_stat_activity as idle after its query */
		auto_db_result r = NULL;

		assert_ok(db_query(other.db,
				   "SELECT pg_stat_clear_snapshot(), count(*) FROM pg_stat_activity"
				   " WHERE application_name = 'unit test' AND state = 'idle'"
				   " AND query LIKE 'SELECT seq, type, data%'",
				   DB_NO_ARGS, &r, &e));
		if (db_get_int(r, 0, 1) > 0) {
			break;
		}
	}
	assert_ok(event_log_add(&log, "message", word("live"), &e));
	assert_ok(event_log_add(&log, "done", word("end"), &e));
	event_log_fini(&log);
	db_destroy(other.db);
	return NULL;
}

static void a_reader_waits_for_what_comes(void **state)
{
	struct event_log log;
	pthread_t writer;
	struct fake f;
	struct err e;
	int64_t begin_ms = clock_mono_ms();

	(void)state;
	event_log_open(&log, &app, generation, NULL);
	assert_ok(event_log_add(&log, "message", word("stored"), &e));
	event_log_fini(&log);
	assert_int_equal(pthread_create(&writer, NULL, write_more, NULL), 0);
	assert_int_equal(watch(&f, NULL, NULL), 200);
	pthread_join(writer, NULL);
	assert_string_equal(fake_body(&f), "retry: 500\n\n"
					   "id: 1\nevent: message\ndata: {\"text\":\"stored\"}\n\n"
					   "id: 2\nevent: message\ndata: {\"text\":\"live\"}\n\n"
					   "id: 3\nevent: done\ndata: {\"text\":\"end\"}\n\n");
	assert_true(clock_mono_ms() - begin_ms < 15000);
	fake_fini(&f);
}

static void a_wait_ends_before_the_deadline(void **state)
{
	struct fake f;
	struct err e;

	(void)state;
	fake_init(&f, ann, NULL);
	f.rq.params[0] = project;
	f.rq.params[1] = generation;
	f.rq.deadline_ms = clock_mono_ms() + 1500;
	assert_ok(generation_events_get(&app, &f.rq, &f.rs, &e));
	assert_true(clock_mono_ms() <= f.rq.deadline_ms);
	assert_string_equal(fake_body(&f), "retry: 500\n\n");
	fake_fini(&f);
	fake_init(&f, ann, NULL); /* and at once when the client is gone */
	f.rq.params[0] = project;
	f.rq.params[1] = generation;
	f.gone = true;
	assert_ok(generation_events_get(&app, &f.rq, &f.rs, &e));
	fake_fini(&f);
}

static void generations_are_read_and_cancelled(void **state)
{
	auto_json *one = NULL;
	auto_json *list = NULL;
	auto_json *cancelled = NULL;
	auto_json *again = NULL;

	(void)state;
	assert_int_equal(
		CALL(&one, .handler = generation_get, .user = ann, .params = {project, generation}),
		200);
	assert_string_equal(text(one, "state"), "running");
	assert_string_equal(text(one, "prompt"), "hi");
	assert_int_equal(CALL(&list, .handler = generations_list, .user = ann, .params = {project}),
			 200);
	assert_true(json_equal(json_array_get(json_object_get(list, "items"), 0), one));
	assert_int_equal(CALL(&cancelled, .handler = generation_cancel, .user = ann,
			      .params = {project, generation}),
			 202);
	assert_true(json_is_true(json_object_get(cancelled, "cancel_requested")));
	finish();
	assert_int_equal(CALL(&again, .handler = generation_cancel, .user = ann,
			      .params = {project, generation}),
			 202);
	assert_string_equal(text(again, "state"), "done");
}

static void strangers_see_no_generation(void **state)
{
	static route_handler *const handlers[] = {generations_list, generation_get,
						  generation_events_get, generation_cancel};
	char other[UUID_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(CALL(NULL, .handler = handlers[i], .user = bob,
				      .params = {project, generation}),
				 404);
	}
	new_project(ann, "other", other); /* hers too, but not its project */
	for (size_t i = 1; i < 4; i++) {
		assert_int_equal(CALL(NULL, .handler = handlers[i], .user = ann,
				      .params = {other, generation}),
				 404);
	}
	assert_int_equal(count("SELECT cancel_requested::integer FROM generations WHERE id = $1"),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_first_goes_at_once_the_next_wait, fresh_generation),
		cmocka_unit_test_setup(a_full_batch_and_milestones_go_at_once, fresh_generation),
		cmocka_unit_test_setup(strange_text_survives, fresh_generation),
		cmocka_unit_test_setup(a_client_that_left_is_no_error, fresh_generation),
		cmocka_unit_test_setup(what_is_not_stored_is_not_sent, fresh_generation),
		cmocka_unit_test_setup(a_reader_resumes_by_id, fresh_generation),
		cmocka_unit_test_setup(a_reader_waits_for_what_comes, fresh_generation),
		cmocka_unit_test_setup(a_wait_ends_before_the_deadline, fresh_generation),
		cmocka_unit_test_setup(generations_are_read_and_cancelled, fresh_generation),
		cmocka_unit_test_setup(strangers_see_no_generation, fresh_generation),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
