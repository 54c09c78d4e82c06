/* What is kept of a generation: made of its events as they go, or later of those that were stored;
 * on a real PostgreSQL. */

#include "generate/summary.h"

#include "generate/handlers.h"
#include "generate/late_summary.h"
#include "generate/turn.h"
#include "project_calls.h"

static char project[UUID_TEXT_BYTES];

static void run_sql(const char *text, const char *id)
{
	struct err e;

	assert_ok(db_query(pg.db, text, DB_ARGS(db_text(id)), NULL, &e));
}

static int fresh_project(void **state)
{
	(void)state;
	new_project(ann, "summaries", project);
	return 0;
}

static void add(struct summary *s, const char *type, const char *data)
{
	auto_json *object = json_loads(data, JSON_ALLOW_NUL, NULL);
	struct err e;

	assert_non_null(object);
	assert_ok(summary_add(s, type, object, &e));
}

static json_t *shown(const struct summary *s)
{
	auto_free char *text = summary_text(s);
	json_t *object = json_loads(text, JSON_ALLOW_NUL, NULL);

	assert_non_null(object);
	return object;
}

static void what_counts_as_passed(void **state)
{
	static const struct {
		const char *steps[5], *result;
	} rows[] = {
		{{NULL}, NULL},
		{{"\"run\",\"state\":\"finished\",\"exit_code\":0"}, "passed"},
		{{"\"run\",\"state\":\"failed\",\"exit_code\":1"}, "failed"},
		{{"\"run\",\"state\":\"listening\",\"port\":3000"}, "passed"},
		{{"\"run\",\"state\":\"skipped\",\"reason\":\"nothing\""}, NULL},
		{{"\"run\",\"state\":\"started\""}, NULL},
		{{"\"run\",\"state\":\"queued\""}, NULL},
		{{"\"run\",\"state\":\"failed\",\"kind\":\"unavailable\""}, NULL},
		{{"\"install\",\"state\":\"finished\""}, NULL},
		{{"\"install\",\"state\":\"failed\",\"error\":\"no\""}, "failed"},
		{{"\"install\",\"state\":\"skipped\"", "\"start\",\"state\":\"started\"",
		  "\"start\",\"state\":\"listening\"", "\"check\",\"state\":\"finished\""},
		 "passed"},
		{{"\"start\",\"state\":\"listening\"", "\"check\",\"state\":\"failed\""}, "failed"},
		{{"\"start\",\"state\":\"listening\"", "\"check\",\"state\":\"started\""}, NULL},
		{{"\"start\",\"state\":\"listening\"",
		  "\"check\",\"state\":\"failed\",\"kind\":\"timeout\""},
		 "failed"},
		{{"\"start\",\"state\":\"listening\"",
		  "\"check\",\"state\":\"failed\",\"kind\":\"upstream\""},
		 NULL},
		{{"\"complete\",\"state\":\"failed\""}, NULL},
		{{"\"complete\",\"state\":\"finished\"", "\"run\",\"state\":\"finished\""},
		 "passed"},
		{{"\"run\",\"state\":\"listening\"", "\"start\",\"state\":\"failed\""}, "failed"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_summary s = {0};
		const char *result;
		struct err e;

		assert_ok(summary_init(&s, &e));
		for (size_t j = 0; j < ARRAY_LEN(rows[i].steps) && rows[i].steps[j]; j++) {
			char data[200];

			(void)snprintf(data, sizeof(data), "{\"name\":%s}", rows[i].steps[j]);
			add(&s, "step", data);
		}
		result = summary_result(&s);
		if (rows[i].result) {
			assert_string_equal(result, rows[i].result);
		} else {
			assert_null(result);
		}
	}
}

static void the_last_word_of_each_counts(void **state)
{
	auto_summary s = {0};
	auto_json *got = NULL;
	auto_json *wanted = NULL;
	struct err e;

	(void)state;
	assert_ok(summary_init(&s, &e));
	add(&s, "message", "{\"delta\":\"One \"}");
	add(&s, "file", "{\"path\":\"b.js\",\"state\":\"writing\",\"bytes\":3,\"delta\":\"abc\"}");
	add(&s, "file", "{\"path\":\"a.js\",\"state\":\"refused\",\"bytes\":0,\"reason\":\"no\"}");
	add(&s, "file", "{\"path\":\"b.js\",\"state\":\"written\",\"bytes\":3}");
	add(&s, "step", "{\"name\":\"start\",\"state\":\"started\",\"at\":1}");
	add(&s, "output", "{\"stream\":\"stdout\",\"data\":\"x\"}");
	add(&s, "step", "{\"name\":\"start\",\"state\":\"listening\",\"port\":3,\"at\":2}");
	add(&s, "preview", "{\"url\":\"http://x\"}");
	add(&s, "message", "{\"delta\":\"two.\"}");
	got = shown(&s);
	wanted = json_loads(
		"{\"files\":[{\"path\":\"b.js\",\"state\":\"written\",\"additions\":null,"
		"\"deletions\":null},{\"path\":\"a.js\",\"state\":\"refused\",\"additions\":null,"
		"\"deletions\":null,\"reason\":\"no\"}],\"steps\":[{\"name\":\"start\","
		"\"state\":\"listening\",\"port\":3,\"at\":2}],\"preview\":{\"url\":\"http://x\"},"
		"\"result\":\"passed\"}",
		0, NULL);
	assert_true(json_equal(got, wanted));
	assert_string_equal(s.reply.data, "One two.");
}

static void it_is_bounded(void **state)
{
	static char words[SUMMARY_REPLY_MAX];
	auto_summary s = {0};
	auto_json *got = NULL;
	auto_json *big = NULL;
	struct err e;

	(void)state;
	assert_ok(summary_init(&s, &e));
	for (int i = 0; i < SUMMARY_FILES_MAX + 10; i++) {
		char data[100];

		(void)snprintf(data, sizeof(data), "{\"path\":\"%d\",\"state\":\"written\"}", i);
		add(&s, "file", data);
	}
	memset(words, 'x', sizeof(words) - 1);
	big = json_pack("{s:s,s:s,s:s}", "name", "run", "state", "failed", "error", words);
	assert_ok(summary_add(&s, "step", big, &e));
	json_decref(big);
	big = json_pack("{s:s}", "delta", words);
	assert_ok(summary_add(&s, "message", big, &e));
	add(&s, "message", "{\"delta\":\"\u00e9\u00e9\"}"); /* one byte is left: no half of it */
	assert_int_equal(s.reply.len, sizeof(words) - 1);
	got = shown(&s);
	assert_int_equal(json_array_size(json_object_get(got, "files")), SUMMARY_FILES_MAX);
	assert_int_equal(json_object_size(json_array_get(json_object_get(got, "steps"), 0)), 2);
	assert_string_equal(text(got, "result"), "failed");
}

/* A turn as its worker has it, without a model. */
struct stage {
	struct fake f;
	struct turn t;
};

static void stage_open(struct stage *s, int64_t base)
{
	struct err e;

	*s = (struct stage){0};
	fake_init(&s->f, ann, NULL);
	s->t = (struct turn){.app = &app,
			     .rq = &s->f.rq,
			     .project_id = project,
			     .base_version = base,
			     .mode = MODEL_BUILD,
			     .mode_name = "build",
			     .prompt = "Make it blue"};
	assert_ok(model_choose(app.config, NULL, &s->t.choice, &e));
	assert_ok(turn_start(&s->t, &e));
	assert_ok(turn_open(&s->t, &s->f.rs, &e));
}

static void stage_close(struct stage *s, const struct err *failure)
{
	turn_finish(&s->t, failure);
	turn_fini(&s->t);
	fake_fini(&s->f);
}

static void say(struct stage *s, const char *type, const char *data)
{
	struct err e;

	assert_ok(turn_emit(&s->t, type, json_loads(data, 0, NULL), &e));
}

static json_t *generation_of(const char *id)
{
	json_t *g = NULL;

	assert_int_equal(CALL(&g, .handler = generation_get, .user = ann, .params = {project, id}),
			 200);
	return g;
}

static json_t *file_of(const json_t *generation, size_t i)
{
	return json_array_get(json_object_get(json_object_get(generation, "summary"), "files"), i);
}

static void write_versions(void)
{
	assert_int_equal(put(project, "page.html", "a\nb\nc\n", NULL), 201);
	assert_int_equal(put(project, "old.js", "1\n2\n", NULL), 201);
	assert_int_equal(put(project, "page.html", "a\nB\nc\nd\n", NULL), 200);
	assert_int_equal(put(project, "new.js", "1\n2\n3\n", NULL), 201);
	assert_int_equal(put(project, "logo.png", "\x89PNG", NULL), 201);
}

static void say_files(struct stage *s)
{
	say(s, "file", "{\"path\":\"page.html\",\"state\":\"written\",\"bytes\":8}");
	say(s, "file", "{\"path\":\"new.js\",\"state\":\"written\",\"bytes\":6}");
	say(s, "file", "{\"path\":\"old.js\",\"state\":\"deleted\",\"bytes\":0}");
	say(s, "file", "{\"path\":\"logo.png\",\"state\":\"written\",\"bytes\":4}");
	say(s, "file", "{\"path\":\"x.js\",\"state\":\"refused\",\"bytes\":0,\"reason\":\"no\"}");
}

static void assert_counts(const json_t *generation)
{
	static const int64_t wanted[][2] = {{2, 1}, {3, 0}, {0, 0}};

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		assert_int_equal(number(file_of(generation, i), "additions"), wanted[i][0]);
		assert_int_equal(number(file_of(generation, i), "deletions"), wanted[i][1]);
	}
	assert_true(json_is_null(json_object_get(file_of(generation, 3), "additions")));
	assert_true(json_is_null(json_object_get(file_of(generation, 4), "deletions")));
}

static void a_turn_leaves_it_behind(void **state)
{
	auto_json *g = NULL;
	auto_json *v = NULL;
	struct stage s;
	const json_t *step;
	struct err e;

	(void)state;
	write_versions();
	stage_open(&s, 2);
	g = generation_of(s.t.id);
	assert_int_equal(number(g, "base_version"), 2);
	assert_true(json_is_null(json_object_get(g, "reply")));
	assert_true(json_is_null(json_object_get(g, "summary")));
	assert_ok(turn_text(&s.t, DELTA_MESSAGE, "", "Blue ", 5, 0, &e));
	say_files(&s);
	assert_ok(turn_text(&s.t, DELTA_MESSAGE, "", "now.", 4, 0, &e));
	s.t.version = 5;
	run_sql("UPDATE versions SET generation_id = $1 WHERE n = 5", s.t.id);
	say(&s, "step", "{\"name\":\"run\",\"state\":\"started\"}");
	say(&s, "step", "{\"name\":\"run\",\"state\":\"finished\",\"exit_code\":0}");
	assert_ok(turn_text(&s.t, DELTA_MESSAGE, "", " Bye.", 5, 0, &e)); /* pending at the end */
	json_decref(g);
	g = NULL;
	{
		char id[UUID_TEXT_BYTES];

		(void)snprintf(id, sizeof(id), "%s", s.t.id);
		stage_close(&s, NULL);
		g = generation_of(id);
	}
	assert_string_equal(text(g, "reply"), "Blue now. Bye.");
	assert_counts(g);
	step = json_array_get(json_object_get(json_object_get(g, "summary"), "steps"), 0);
	assert_string_equal(text(step, "state"), "finished");
	assert_true(number(step, "at") > 1700000000000);
	assert_true(json_is_integer(json_object_get(step, "duration_ms")));

	assert_int_equal(CALL(&v, .handler = version_get, .user = ann, .params = {project, "5"}),
			 200);
	assert_string_equal(text(v, "prompt"), "Make it blue");
	assert_string_equal(text(v, "result"), "passed");
	json_decref(v);
	v = NULL;
	assert_int_equal(CALL(&v, .handler = version_get, .user = ann, .params = {project, "1"}),
			 200);
	assert_true(json_is_null(json_object_get(v, "prompt")));
	assert_true(json_is_null(json_object_get(v, "result")));
}

static void a_failed_turn_has_one_too(void **state)
{
	auto_json *g = NULL;
	struct stage s;
	char id[UUID_TEXT_BYTES];
	struct err failure;

	(void)state;
	stage_open(&s, 0);
	(void)snprintf(id, sizeof(id), "%s", s.t.id);
	say(&s, "file", "{\"path\":\"a.js\",\"state\":\"writing\",\"bytes\":8}");
	(void)err_set(&failure, ERR_UPSTREAM, "the model broke off");
	stage_close(&s, &failure);
	g = generation_of(id);
	assert_string_equal(text(g, "state"), "failed");
	assert_true(json_is_null(json_object_get(g, "reply")));
	assert_string_equal(text(file_of(g, 0), "state"), "refused");
	assert_string_equal(text(file_of(g, 0), "reason"), "it was not finished");
	assert_true(json_is_null(json_object_get(json_object_get(g, "summary"), "result")));
}

/* As its worker left it, which is gone. */
static void an_interrupted_turn_gets_it_from_its_events(void **state)
{
	auto_json *g = NULL;
	struct stage s;
	char id[UUID_TEXT_BYTES];
	int64_t made = 0;
	struct err e;

	(void)state;
	write_versions();
	stage_open(&s, 2);
	(void)snprintf(id, sizeof(id), "%s", s.t.id);
	assert_ok(turn_text(&s.t, DELTA_MESSAGE, "", "Blue.", 5, 0, &e));
	say_files(&s);
	say(&s, "file", "{\"path\":\"half.js\",\"state\":\"writing\",\"bytes\":0}");
	say(&s, "step", "{\"name\":\"run\",\"state\":\"started\"}");
	assert_ok(event_log_flush(&s.t.log, &e));
	turn_fini(&s.t);
	fake_fini(&s.f);
	assert_ok(late_summaries(pg.db, &made, &e));
	assert_int_equal(made, 0); /* it may still go on */
	run_sql("UPDATE generations SET state = 'interrupted', version = 5, finished_at = now()"
		" WHERE id = $1",
		id);
	assert_ok(late_summaries(pg.db, &made, &e));
	assert_int_equal(made, 1);
	g = generation_of(id);
	assert_string_equal(text(g, "reply"), "Blue.");
	assert_counts(g);
	assert_string_equal(text(file_of(g, 5), "state"), "refused");
	assert_true(json_is_null(json_object_get(json_object_get(g, "summary"), "result")));
	assert_ok(late_summaries(pg.db, &made, &e));
	assert_int_equal(made, 0);
}

static size_t page_of(const char *query, json_t **ret)
{
	assert_int_equal(CALL(ret, .handler = generations_list, .user = ann, .params = {project},
			      .query = query),
			 200);
	return json_array_size(json_object_get(*ret, "items"));
}

/* Twelve replies of 256 KiB are no answer for one page, and none of them is cut. */
static void long_replies_make_short_pages(void **state)
{
	char query[300] = "limit=100";
	size_t seen = 0, pages = 0;

	(void)state;
	run_sql("INSERT INTO generations (project_id, user_id, mode, provider, model, prompt, "
		"state,"
		" reply, summary, started_at)"
		" SELECT id, user_id, 'build', 'x', 'x', 'x', 'done', repeat('r', 262144),"
		" '{\"files\":[]}', now() - make_interval(secs => n)"
		" FROM projects, generate_series(1, 12) AS n WHERE id = $1",
		project);
	for (;;) {
		auto_json *list = NULL;
		size_t n = page_of(query, &list);
		const char *next = json_string_value(json_object_get(list, "next"));

		assert_in_range(n, 1, 5);
		for (size_t i = 0; i < n; i++) {
			const json_t *item = json_array_get(json_object_get(list, "items"), i);

			assert_int_equal(json_string_length(json_object_get(item, "reply")),
					 262144);
		}
		seen += n;
		pages++;
		if (!next) {
			break;
		}
		(void)snprintf(query, sizeof(query), "limit=100&cursor=%s", next);
	}
	assert_int_equal(seen, 12);
	assert_int_equal(pages, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_counts_as_passed),
		cmocka_unit_test(the_last_word_of_each_counts),
		cmocka_unit_test(it_is_bounded),
		cmocka_unit_test_setup(a_turn_leaves_it_behind, fresh_project),
		cmocka_unit_test_setup(a_failed_turn_has_one_too, fresh_project),
		cmocka_unit_test_setup(an_interrupted_turn_gets_it_from_its_events, fresh_project),
		cmocka_unit_test_setup(long_replies_make_short_pages, fresh_project),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
