/* Apps over HTTP: PostgreSQL is real, the agent and sandboxd are scripted. */

#include "app_fixture.h"
#include "apps/handlers.h"

#define RUNNING                                                                                    \
	"{\"state\":\"running\",\"for_ms\":12,\"port\":5173,\"ports\":[5173,5174],\"start\":2,"    \
	"\"plan\":{\"kind\":\"node\",\"manager\":\"npm\",\"install\":\"npm ci\","                  \
	"\"command\":\"npm run dev\"},\"exit_code\":null,\"signal\":null,\"error\":null,"          \
	"\"install_ms\":900,\"start_ms\":300,\"last_log_id\":7}"

static json_t *status(void)
{
	json_t *answer = NULL;

	assert_int_equal(
		CALL(&answer, .handler = app_status_get, .user = ann, .params = {project_id}), 200);
	return answer;
}

static void without_a_sandbox_it_is_asleep(void **state)
{
	auto_json *s = NULL;
	char empty[UUID_TEXT_BYTES];

	(void)state;
	make_project();
	s = status();
	assert_string_equal(text(s, "state"), "stopped");
	assert_non_null(strstr(text(s, "preview_url"), ".preview.localhost"));
	assert_int_equal(number(s, "version"), 1);
	assert_true(json_is_null(json_object_get(s, "hydrated_version")));
	assert_true(json_is_null(json_object_get(s, "for_ms")));
	assert_int_equal(json_array_size(json_object_get(s, "ports")), 0);
	assert_true(json_is_false(json_object_get(s, "stopped_by_owner")));

	new_project(ann, "Empty", empty);
	assert_int_equal(CALL(NULL, .handler = app_start_post, .user = ann, .params = {empty}),
			 422);
	assert_int_equal(CALL(NULL, .handler = app_status_get, .user = bob, .params = {project_id}),
			 404);
}

static void the_row_tells_what_the_host_does(void **state)
{
	static const struct {
		const char *actual, *phase, *state;
	} rows[] = {
		{"stopped", "waiting", "waiting"},    {"starting", "packages", "installing"},
		{"starting", "sandbox", "preparing"}, {"running", "files", "preparing"},
		{"starting", "", "preparing"},	      {"failed", "", "failed"},
		{"stopping", "", "stopped"},
	};

	(void)state;
	make_project();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_json *s = NULL;

		make_sandbox(rows[i].actual, rows[i].phase, NULL);
		sql("UPDATE sandboxes SET error = 'the disk is full', hydrated_version = 1");
		s = status();
		assert_string_equal(text(s, "state"), rows[i].state);
		assert_string_equal(text(s, "phase"), rows[i].phase);
		assert_int_equal(number(s, "hydrated_version"), 1);
		assert_string_equal(text(s, "error"), strcmp(rows[i].state, "failed")
							      ? "(none)"
							      : "the disk is full");
		assert_true(strlen(text(s, "detail")) > 5);
	}
}

static void the_agent_tells_what_the_app_does(void **state)
{
	struct fake_agent a;
	auto_json *s = NULL;

	(void)state;
	make_project();
	make_sandbox("running", "", &a);
	says(&a, "200 OK", RUNNING);
	fake_agent_start(&a);
	s = status();
	assert_string_equal(text(s, "state"), "running");
	assert_string_equal(text(s, "detail"), "Running on port 5173.");
	assert_int_equal(number(s, "port"), 5173);
	assert_int_equal(json_array_size(json_object_get(s, "ports")), 2);
	assert_string_equal(text(json_object_get(s, "plan"), "command"), "npm run dev");
	assert_int_equal(number(s, "install_ms"), 900);
	assert_null(json_object_get(s, "last_log_id"));
	fake_agent_stop(&a);
}

static void a_hostile_state_is_cut_to_size(void **state)
{
	struct fake_agent a;
	auto_json *s = NULL;
	struct strbuf words;

	(void)state;
	make_project();
	make_sandbox("running", "app", &a);
	strbuf_init(&words, 1 << 20);
	strbuf_adds(&words, "{\"state\":\"crashed\",\"port\":99999999,\"ports\":[0,\"x\",80,-1],"
			    "\"plan\":[],\"exit_code\":\"1\",\"for_ms\":-5,\"state_url\":\"x\","
			    "\"preview_url\":\"http://evil.example\",\"error\":\"");
	for (size_t i = 0; i < 10000; i++) {
		strbuf_adds(&words, "\xc3\xa4");
	}
	strbuf_adds(&words, "\"}");
	says(&a, "200 OK", words.data);
	fake_agent_start(&a);
	s = status();
	assert_string_equal(text(s, "state"), "crashed");
	assert_true(json_is_null(json_object_get(s, "port")));
	assert_true(json_is_null(json_object_get(s, "plan")));
	assert_true(json_is_null(json_object_get(s, "exit_code")));
	assert_true(json_is_null(json_object_get(s, "for_ms")));
	assert_int_equal(json_array_size(json_object_get(s, "ports")), 1);
	assert_in_range(strlen(text(s, "error")), 1000, 4096);
	assert_in_range(strlen(text(s, "detail")), 500, 1024);
	assert_non_null(strstr(text(s, "preview_url"), ".preview.localhost"));
	strbuf_fini(&words);
	fake_agent_stop(&a);
}

static void an_agent_that_says_nothing_costs_a_moment(void **state)
{
	struct fake_agent a;
	auto_json *s = NULL;
	int64_t began_ms;

	(void)state;
	make_project();
	make_sandbox("running", "", &a);
	strbuf_adds(fake_agent_answer(&a), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{");
	a.hold_open = true;
	fake_agent_start(&a);
	began_ms = clock_mono_ms();
	s = status();
	assert_in_range(clock_mono_ms() - began_ms, 200, 1500);
	assert_string_equal(text(s, "state"), "preparing");
	fake_agent_stop(&a);

	make_sandbox("running", "", &a);
	says(&a, "200 OK", "{\"state\":\"<script>\"}");
	fake_agent_start(&a);
	json_decref(s);
	s = status();
	assert_string_equal(text(s, "state"), "preparing");
	fake_agent_stop(&a);
}

static void start_and_restart_ask_sandboxd(void **state)
{
	struct fake_agent broker;
	auto_json *s = NULL;

	(void)state;
	make_project();
	sql("DELETE FROM sandboxes");
	sql("UPDATE projects SET app_stopped = true");
	make_broker(&broker);
	says(&broker, "202 Accepted", "{\"phase\":\"waiting\"}");
	says(&broker, "202 Accepted", "{\"phase\":\"waiting\"}");
	says(&broker, "429 Too Many Requests",
	     "{\"kind\":\"rate_limited\",\"detail\":\"40 sandboxes run\"}");
	fake_agent_start(&broker);
	assert_int_equal(CALL(&s, .handler = app_start_post, .user = ann, .params = {project_id}),
			 202);
	assert_string_equal(text(s, "state"), "stopped");
	assert_int_equal(count("SELECT count(*) FROM projects WHERE app_stopped"),
			 count("SELECT count(*) - 1 FROM projects"));
	assert_int_equal(
		CALL(NULL, .handler = app_restart_post, .user = ann, .params = {project_id}), 202);
	assert_int_equal(CALL(NULL, .handler = app_start_post, .user = ann, .params = {project_id}),
			 429);
	assert_int_equal(
		CALL(NULL, .handler = app_restart_post, .user = bob, .params = {project_id}), 404);
	assert_true(was_asked(&broker, "POST /v1/apps/start "));
	assert_true(was_asked(&broker, "\"restart\":false"));
	assert_true(was_asked(&broker, "\"restart\":true"));
	assert_true(was_asked(&broker, project_id));
	fake_agent_stop(&broker);
}

/* sandboxd has answered and not acted yet: the agent still tells of the run before. */
static void what_a_restart_replaces_is_not_shown_any_more(void **state)
{
	static const char *const before =
		"{\"state\":\"running\",\"start\":4,\"port\":5173,\"last_log_id\":9}";
	static const char *const after =
		"{\"state\":\"running\",\"start\":5,\"port\":5173,\"last_log_id\":19}";
	static const char *const crashed = "{\"state\":\"crashed\",\"start\":5,\"exit_code\":1}";
	static const struct {
		route_handler *call;
		const char *before, *told, *state;
	} rows[] = {
		{app_restart_post, before, before, "starting"},
		{app_restart_post, before, after, "running"},
		{app_start_post, before, before, "running"}, /* which it does not replace */
		{app_start_post, crashed, crashed, "starting"},
	};

	(void)state;
	make_project();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fake_agent a, broker;
		auto_json *s = NULL;

		sql("UPDATE projects SET replaced_run = NULL");
		make_sandbox("running", "", &a);
		make_broker(&broker);
		says(&broker, "202 Accepted", "{}");
		says(&a, "200 OK", rows[i].before);
		says(&a, "200 OK", rows[i].told);
		fake_agent_start(&a);
		fake_agent_start(&broker);
		assert_int_equal(
			CALL(&s, .handler = rows[i].call, .user = ann, .params = {project_id}),
			202);
		assert_string_equal(text(s, "state"), rows[i].state);
		assert_int_equal(number(s, "port"),
				 strcmp(rows[i].state, "running") == 0 ? 5173 : 0);
		fake_agent_stop(&a);
		fake_agent_stop(&broker);
	}
}

static void a_note_of_a_restart_is_not_believed_for_ever(void **state)
{
	struct fake_agent a;
	auto_json *s = NULL;

	(void)state;
	make_project();
	make_sandbox("running", "", &a);
	sql("UPDATE projects SET replaced_run = md5('') || ' 4',"
	    " replaced_at = now() - interval '121 seconds'");
	says(&a, "200 OK", "{\"state\":\"running\",\"start\":4,\"port\":5173}");
	fake_agent_start(&a);
	s = status();
	assert_string_equal(text(s, "state"), "running");
	fake_agent_stop(&a);
}

static void stop_is_said_before_it_is_done(void **state)
{
	struct fake_agent broker;
	auto_json *s = NULL;
	char path[80];

	(void)state;
	make_project();
	make_sandbox("stopped", "", NULL);
	make_broker(&broker);
	says(&broker, "200 OK", "{}");
	fake_agent_start(&broker);
	assert_int_equal(CALL(&s, .handler = app_stop_post, .user = ann, .params = {project_id}),
			 200);
	assert_true(json_is_true(json_object_get(s, "stopped_by_owner")));
	(void)snprintf(path, sizeof(path), "POST /v1/sandboxes/%s/stop ", sandbox_id);
	assert_true(was_asked(&broker, path));
	fake_agent_stop(&broker);

	sql("DELETE FROM sandboxes"); /* nothing to stop is as good */
	assert_int_equal(CALL(NULL, .handler = app_stop_post, .user = ann, .params = {project_id}),
			 200);
}

static int logs(const char *query, const char *last_id, struct fake *f)
{
	return call(&(struct call){.handler = app_logs_get,
				   .user = ann,
				   .query = query,
				   .params = {project_id},
				   .header = {last_id ? "HTTP_LAST_EVENT_ID" : NULL, last_id}},
		    NULL, f);
}

static void logs_go_straight_to_the_agent(void **state)
{
	struct fake_agent a;
	struct fake f;
	char line[160];

	(void)state;
	make_project();
	make_sandbox("running", "", &a);
	strbuf_adds(fake_agent_answer(&a), "never sent");
	strbuf_adds(fake_agent_answer(&a), "never sent");
	fake_agent_start(&a);

	assert_int_equal(logs("after=12&follow=0", NULL, &f), 200);
	(void)snprintf(line, sizeof(line),
		       "X-Accel-Redirect: /_agent/%s/logs?after=12&follow=0\r\n", sandbox_id);
	assert_non_null(strstr(f.out.data, line));
	fake_fini(&f);

	assert_int_equal(logs("after=12", "41", &f), 200);
	assert_non_null(strstr(f.out.data, "/logs?after=41&follow=1\r\n"));
	fake_fini(&f);
	fake_agent_stop(&a);

	static const char *const bad[] = {"after=x", "after=-1", "after=99999999999999999999",
					  "follow=2", "after=1%0d%0a"};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(logs(bad[i], NULL, &f), 400);
		fake_fini(&f);
	}
	assert_int_equal(CALL(NULL, .handler = app_logs_get, .user = bob, .params = {project_id}),
			 404);
}

static void logs_of_a_sleeping_app_are_its_state(void **state)
{
	static const char begin[] = "retry: 2000\n\nevent: state\ndata: {\"state\":\"preparing\"";
	struct fake f;

	(void)state;
	make_project();
	make_sandbox("running", "", NULL); /* so says the row; nobody listens */
	assert_int_equal(logs("", "5", &f), 200);
	assert_null(strstr(f.out.data, "X-Accel-Redirect"));
	assert_memory_equal(fake_body(&f), begin, strlen(begin));
	fake_fini(&f);
}

static void a_terminal_wants_a_handshake(void **state)
{
	struct fake_agent a;
	struct fake f;
	char line[160];
	struct call c = {.handler = app_terminal_get,
			 .user = ann,
			 .query = "cols=120&rows=40",
			 .params = {project_id},
			 .header = {"HTTP_UPGRADE", "WebSocket"}};

	(void)state;
	make_project();
	make_sandbox("running", "", &a);
	sql("UPDATE sandboxes SET hydrated_version = 1");
	strbuf_adds(fake_agent_answer(&a), "never sent");
	fake_agent_start(&a);
	assert_int_equal(call(&c, NULL, &f), 200);
	(void)snprintf(line, sizeof(line),
		       "X-Accel-Redirect: /_agent/%s/terminal?cols=120&rows=40\r\n", sandbox_id);
	assert_non_null(strstr(f.out.data, line));
	fake_fini(&f);
	fake_agent_stop(&a);

	c.query = "cols=0";
	assert_int_equal(call(&c, NULL, NULL), 400);
	c.query = "rows=2x";
	assert_int_equal(call(&c, NULL, NULL), 400);
	c.query = "";
	c.user = bob;
	assert_int_equal(call(&c, NULL, NULL), 404);
	c.header[1] = "h2c";
	assert_int_equal(call(&c, NULL, NULL), 404);
	c.user = ann;
	assert_int_equal(call(&c, NULL, NULL), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_sandbox_it_is_asleep),
		cmocka_unit_test(the_row_tells_what_the_host_does),
		cmocka_unit_test(the_agent_tells_what_the_app_does),
		cmocka_unit_test(a_hostile_state_is_cut_to_size),
		cmocka_unit_test(an_agent_that_says_nothing_costs_a_moment),
		cmocka_unit_test(start_and_restart_ask_sandboxd),
		cmocka_unit_test(what_a_restart_replaces_is_not_shown_any_more),
		cmocka_unit_test(a_note_of_a_restart_is_not_believed_for_ever),
		cmocka_unit_test(stop_is_said_before_it_is_done),
		cmocka_unit_test(logs_go_straight_to_the_agent),
		cmocka_unit_test(logs_of_a_sleeping_app_are_its_state),
		cmocka_unit_test(a_terminal_wants_a_handshake),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
