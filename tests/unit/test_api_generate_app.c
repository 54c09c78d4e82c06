/* What a generation does with a version that is an app: PostgreSQL is real, the agent and sandboxd
 * are scripted. */

#include "app_fixture.h"
#include "generate/app_kind.h"
#include "generate/app_step.h"
#include "generate/page_check.h"
#include "model/provider.h"

/* The kind of a version. */

static void a_manifest_tells_an_app(void **state)
{
	static const struct {
		const char *text;
		bool is_app, watches;
	} rows[] = {
		{"{\"scripts\":{\"dev\":\"vite\"}}", true, true},
		{"{\"scripts\":{\"dev\":\"node server.js\"}}", true, false},
		{"{\"scripts\":{\"dev\":\"node --watch server.js\"}}", true, true},
		{"{\"scripts\":{\"start\":\"node .\"},\"dependencies\":{\"express\":\"5\"}}", true,
		 false},
		{"{\"scripts\":{\"start\":\"node .\"},\"devDependencies\":{\"x\":\"5\"}}", true,
		 false},
		{"{\"scripts\":{\"start\":\"node .\"}}", false, false},
		{"{\"scripts\":{\"start\":\"node .\"},\"dependencies\":{}}", false, false},
		{"{\"dependencies\":{\"express\":\"5\"}}", false, false},
		{"{\"scripts\":{\"dev\":\" \"}}", false, false},
		{"{\"scripts\":{\"dev\":5}}", false, false},
		{"{\"scripts\":\"dev\"}", false, false},
		{"[]", false, false},
		{"{", false, false},
		{"", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct app_kind kind = app_kind_of_package_json(rows[i].text, strlen(rows[i].text));

		assert_int_equal(kind.is_app, rows[i].is_app);
		assert_int_equal(kind.watches, rows[i].watches);
	}
}

static bool is_app(int64_t n)
{
	struct app_kind kind;
	struct err e;

	assert_ok(app_kind_of_version(&app, project_id, n, &kind, &e));
	return kind.is_app;
}

static void a_page_without_a_program_is_an_app(void **state)
{
	(void)state;
	make_project(); /* an index.html */
	assert_int_equal(put(project_id, "server.js", "1", NULL), 201);
	assert_int_equal(put(project_id, "package.json", "{\"scripts\":{\"dev\":\"vite\"}}", NULL),
			 201);
	assert_true(is_app(1));
	assert_false(is_app(2));
	assert_true(is_app(3));
	assert_false(is_app(4)); /* there is none */
}

/* What the page's program says. */

static int parse(const char *text, struct page_result *ret)
{
	struct err e;

	return page_result_parse(text, strlen(text), ret, &e);
}

static void a_page_is_described_by_the_last_line(void **state)
{
	auto_page_result r = {0};

	(void)state;
	assert_int_equal(parse("noise\n{\"ok\":true,\"status\":200,\"content_type\":\"text/html\","
			       "\"checked\":3,\"failures\":[]}\n\n",
			       &r),
			 0);
	assert_true(r.ok);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.checked, 3);
	assert_string_equal(r.content_type, "text/html");
	assert_int_equal(json_array_size(r.failures), 0);
}

static void a_page_of_nonsense_is_none(void **state)
{
	static const char *const bad[] = {
		"", "\n\n", "ok", "{}", "{\"ok\":1}", "[true]", "{\"ok\":true}\ntrailing"};
	struct page_result r = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse(bad[i], &r), -1);
	}
}

static void failures_of_a_page_are_bounded(void **state)
{
	auto_page_result r = {0};
	struct strbuf text;

	(void)state;
	strbuf_init(&text, 1 << 20);
	strbuf_adds(&text, "{\"ok\":false,\"status\":99999,\"checked\":-4,\"failures\":[7");
	for (int i = 0; i < 100; i++) {
		strbuf_adds(&text, ",{\"url\":\"/a.js\",\"status\":404,\"error\":\"");
		for (int k = 0; k < 300; k++) {
			strbuf_adds(&text, "\xc3\xa4");
		}
		strbuf_adds(&text, "\",\"more\":1}");
	}
	strbuf_adds(&text, "]}");
	assert_int_equal(parse(text.data, &r), 0);
	assert_int_equal(r.status, 0);
	assert_int_equal(r.checked, 0);
	assert_int_equal(json_array_size(r.failures), PAGE_FAILURES_MAX);
	assert_in_range(json_string_length(json_object_get(json_array_get(r.failures, 1), "error")),
			400, PAGE_TEXT_MAX_BYTES);
	assert_int_equal(json_object_size(json_array_get(r.failures, 1)), 3);
	strbuf_fini(&text);
}

/* The whole step. */

struct stage {
	struct fake f;
	struct turn t;
	struct fake_agent agent, broker;
};

static void stage_open(struct stage *s)
{
	struct err e;

	*s = (struct stage){0};
	fake_init(&s->f, ann, NULL);
	s->t = (struct turn){.app = &app,
			     .rq = &s->f.rq,
			     .project_id = project_id,
			     .base_version = 0,
			     .mode = MODEL_BUILD,
			     .mode_name = "build",
			     .prompt = "x",
			     .version = 1};
	assert_ok(model_choose(app.config, NULL, &s->t.choice, &e));
	assert_ok(turn_start(&s->t, &e));
	assert_ok(turn_open(&s->t, &s->f.rs, &e));
	make_broker(&s->broker);
}

static void stage_close(struct stage *s)
{
	fake_agent_stop(&s->agent);
	fake_agent_stop(&s->broker);
	turn_finish(&s->t, NULL);
	turn_fini(&s->t);
	fake_fini(&s->f);
}

static struct strbuf *agent_events(struct fake_agent *a)
{
	struct strbuf *b = fake_agent_answer(a);

	strbuf_adds(b, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		       "Connection: close\r\n\r\n");
	return b;
}

static void agent_log(struct strbuf *b, int id, const char *stream, const char *source,
		      const char *words)
{
	strbuf_addf(b,
		    "id: %d\nevent: log\ndata: {\"t\":1,\"stream\":\"%s\",\"source\":\"%s\","
		    "\"text\":\"%s\"}\n\n",
		    id, stream, source, words);
}

static void agent_state(struct strbuf *b, int id, const char *fields)
{
	strbuf_addf(b, "id: %d\nevent: state\ndata: {%s}\n\n", id, fields);
}

static void run(struct stage *s, bool watches, bool after_run)
{
	struct err e;

	fake_agent_start(&s->agent);
	fake_agent_start(&s->broker);
	assert_ok(app_step(&s->t, watches, after_run, &e));
	assert_ok(event_log_flush(&s->t.log, &e));
}

static bool told(const struct stage *s, const char *words)
{
	return strstr(s->f.out.data, words) != NULL;
}

#define STOPPED	   "\"state\":\"stopped\",\"start\":0,\"last_log_id\":0"
#define INSTALLING "\"state\":\"installing\",\"start\":1,\"last_log_id\":1"
#define STARTING   "\"state\":\"starting\",\"start\":1,\"install_ms\":700,\"last_log_id\":3"
#define RUNNING                                                                                    \
	"\"state\":\"running\",\"start\":1,\"port\":5173,\"install_ms\":700,\"start_ms\":300,"     \
	"\"last_log_id\":6"
#define PAGE_OK                                                                                    \
	"{\"ok\":true,\"status\":200,\"content_type\":\"text/"                                     \
	"html\",\"checked\":3,\"failures\":[]}\n"
#define EXIT "{\"exit_code\":0,\"signal\":null,\"duration_ms\":12}"

/* What the page's program says, and then what the request made the app print. */
static void page_says(struct fake_agent *a, const char *line)
{
	struct strbuf *b = fake_agent_frames(a);

	frame_text(b, FRAME_STDOUT, line);
	frame_text(b, FRAME_EXIT, EXIT);
	agent_log(agent_events(a), 99, "stdout", "app", "GET /");
}

static void an_app_is_installed_started_and_shown(void **state)
{
	struct stage s;
	struct strbuf *b;

	(void)state;
	make_project();
	stage_open(&s);
	make_sandbox("running", "", &s.agent);
	says(&s.broker, "202 Accepted", "{}");
	says(&s.agent, "200 OK", "{" STOPPED "}"); /* before */
	says(&s.agent, "200 OK", "{" INSTALLING "}");
	b = agent_events(&s.agent);
	agent_state(b, 1, INSTALLING);
	agent_log(b, 2, "stdout", "install", "added 1 package");
	agent_state(b, 3, STARTING);
	agent_log(b, 4, "stderr", "app", "deprecated\\u0000!");
	agent_log(b, 5, "system", "app", "$ npm run dev");
	agent_state(b, 6, RUNNING);
	page_says(&s.agent, PAGE_OK);
	run(&s, true, false);

	assert_true(told(&s, "{\"name\":\"install\",\"state\":\"started\","));
	assert_true(told(&s, "{\"name\":\"install\",\"state\":\"finished\",\"source\":\"project\","
			     "\"duration_ms\":700,"));
	assert_true(told(&s, "{\"stream\":\"stdout\",\"source\":\"install\","
			     "\"data\":\"added 1 package\\n\"}"));
	assert_true(told(&s, "{\"stream\":\"stderr\",\"source\":\"app\","
			     "\"data\":\"deprecated\\u0000!\\n\"}"));
	assert_true(told(&s, "{\"name\":\"start\",\"state\":\"started\","));
	assert_true(told(&s, "{\"name\":\"start\",\"state\":\"listening\",\"port\":5173,"
			     "\"duration_ms\":300,"));
	assert_true(told(&s, "{\"name\":\"check\",\"state\":\"finished\",\"checked\":3,"
			     "\"failures\":[],"));
	assert_true(told(&s, "\"data\":\"GET /\\n\"}"));
	assert_true(told(&s, "event: preview\ndata: {\"url\":\"http://"));
	assert_true(told(&s, "\"port\":5173,\"status\":200,\"content_type\":\"text/html\","
			     "\"checked\":3}"));
	assert_true(was_asked(&s.agent, "GET /v1/app/logs?after=0&follow=1 "));
	assert_true(was_asked(&s.agent, "/usr/local/lib/slipway/page.mjs\",\"5173\""));
	assert_true(was_asked(&s.broker, "\"restart\":false"));
	stage_close(&s);
}

/* A start before ours has left states in the log; a page that does not load is no preview. */
static void only_our_start_counts_and_a_broken_page_is_told(void **state)
{
	struct stage s;
	struct strbuf *b;

	(void)state;
	make_project();
	stage_open(&s);
	make_sandbox("running", "", &s.agent);
	says(&s.broker, "202 Accepted", "{}");
	says(&s.agent, "200 OK", "{\"state\":\"crashed\",\"start\":4,\"last_log_id\":90}");
	says(&s.agent, "200 OK", "{\"state\":\"crashed\",\"start\":4,\"last_log_id\":91}");
	b = agent_events(&s.agent);
	agent_state(b, 91, "\"state\":\"crashed\",\"start\":4,\"error\":\"old\"");
	agent_state(b, 92, "\"state\":\"starting\",\"start\":5");
	agent_state(b, 93, "\"state\":\"running\",\"start\":5,\"port\":3000,\"start_ms\":20");
	page_says(&s.agent, "{\"ok\":false,\"status\":500,\"checked\":1,\"failures\":"
			    "[{\"url\":\"/\",\"status\":500,\"error\":\"boom\"}]}\n");
	run(&s, false, false);

	assert_false(told(&s, "old"));
	assert_true(told(&s, "{\"name\":\"install\",\"state\":\"skipped\","));
	assert_true(told(&s, "{\"name\":\"check\",\"state\":\"failed\",\"checked\":1,\"failures\":"
			     "[{\"url\":\"/\",\"status\":500,\"error\":\"boom\"}],"));
	assert_false(told(&s, "event: preview"));
	assert_true(was_asked(&s.agent, "GET /v1/app/logs?after=90&follow=1 "));
	assert_true(was_asked(&s.broker, "\"restart\":true"));
	stage_close(&s);
}

static void a_failed_install_is_told_as_such(void **state)
{
	struct stage s;
	struct strbuf *b;

	(void)state;
	make_project();
	stage_open(&s);
	make_sandbox("running", "", &s.agent);
	says(&s.broker, "202 Accepted", "{}");
	says(&s.agent, "200 OK", "{" STOPPED "}");
	says(&s.agent, "200 OK", "{" INSTALLING "}");
	b = agent_events(&s.agent);
	agent_state(b, 1, INSTALLING);
	agent_log(b, 2, "stderr", "install", "npm error 404");
	agent_state(b, 3,
		    "\"state\":\"crashed\",\"start\":1,\"exit_code\":1,"
		    "\"error\":\"no such package\"");
	run(&s, true, false);
	assert_true(told(&s, "{\"name\":\"install\",\"state\":\"failed\",\"error\":"
			     "\"no such package\",\"exit_code\":1,\"signal\":null,"));
	assert_true(told(&s, "npm error 404\\n"));
	assert_false(told(&s, "\"start\",\"state\""));
	assert_false(told(&s, "event: error"));
	stage_close(&s);
}

static void a_crash_at_the_start_is_told_as_such(void **state)
{
	struct stage s;
	struct strbuf *b;

	(void)state;
	make_project();
	stage_open(&s);
	make_sandbox("running", "", &s.agent);
	says(&s.broker, "202 Accepted", "{}");
	says(&s.agent, "200 OK", "{" STOPPED "}");
	says(&s.agent, "200 OK", "{" INSTALLING "}");
	b = agent_events(&s.agent);
	agent_state(b, 1, STARTING);
	agent_state(b, 3, "\"state\":\"crashed\",\"start\":1,\"signal\":\"SIGSEGV\"");
	run(&s, true, false);
	assert_true(told(&s, "{\"name\":\"start\",\"state\":\"failed\",\"error\":"
			     "\"it ended with an error\",\"exit_code\":null,"
			     "\"signal\":\"SIGSEGV\","));
	stage_close(&s);
}

static void an_app_that_watches_goes_on(void **state)
{
	struct stage s;

	(void)state;
	make_project();
	assert_int_equal(put(project_id, "a.js", "1", NULL), 201);
	stage_open(&s);
	s.t.version = 2;
	make_sandbox("running", "", &s.agent);
	sql("UPDATE sandboxes SET hydrated_version = 2");
	says(&s.broker, "202 Accepted", "{}");
	says(&s.agent, "200 OK", "{" RUNNING "}");
	says(&s.agent, "200 OK", "{" RUNNING "}");
	page_says(&s.agent, PAGE_OK);
	run(&s, true, false);
	assert_true(told(&s, "{\"name\":\"start\",\"state\":\"listening\",\"port\":5173"));
	assert_true(told(&s, "event: preview"));
	assert_true(was_asked(&s.broker, "\"restart\":false"));
	assert_false(was_asked(&s.agent, "follow=1"));
	stage_close(&s);
}

static void without_a_sandbox_the_version_stands(void **state)
{
	struct stage s;

	(void)state;
	make_project();
	stage_open(&s);
	make_sandbox("failed", "", &s.agent);
	sql("UPDATE sandboxes SET error = 'the image is missing'");
	says(&s.broker, "202 Accepted", "{}");
	run(&s, true, false);
	assert_true(told(&s, "\"name\":\"install\",\"state\":\"failed\",\"kind\":\"unavailable\""));
	assert_true(told(&s, "the image is missing"));
	assert_true(told(&s, "event: error"));
	stage_close(&s);
}

static void nonsense_of_the_agent_ends_the_step(void **state)
{
	static const char *const bad[] = {
		"event: log\ndata: {\"stream\":\"evil\",\"text\":\"x\"}\n\n",
		"event: log\ndata: {\"stream\":\"stdout\",\"text\":7}\n\n",
		"event: log\ndata: nothing\n\n",
		"event: state\ndata: {\"state\":\"melting\"}\n\n",
	};

	(void)state;
	make_project();
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct stage s;

		stage_open(&s);
		make_sandbox("running", "", &s.agent);
		says(&s.broker, "202 Accepted", "{}");
		says(&s.agent, "200 OK", "{" STOPPED "}");
		says(&s.agent, "200 OK", "{" INSTALLING "}");
		strbuf_adds(agent_events(&s.agent), bad[i]);
		run(&s, true, false);
		assert_true(told(
			&s, "\"name\":\"install\",\"state\":\"failed\",\"kind\":\"upstream\""));
		stage_close(&s);
	}
}

static void a_cancelled_turn_ends_at_once(void **state)
{
	struct stage s;
	struct err e;

	(void)state;
	make_project();
	stage_open(&s);
	make_sandbox("running", "", &s.agent);
	says(&s.broker, "202 Accepted", "{}");
	says(&s.agent, "200 OK", "{" STOPPED "}");
	says(&s.agent, "200 OK", "{" INSTALLING "}");
	(void)agent_events(&s.agent);
	s.agent.hold_open = true;
	fake_agent_start(&s.agent);
	fake_agent_start(&s.broker);
	sql("UPDATE generations SET cancel_requested = true WHERE state = 'running'");
	assert_err(app_step(&s.t, true, false, &e), ERR_CANCELLED);
	stage_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_manifest_tells_an_app),
		cmocka_unit_test(a_page_without_a_program_is_an_app),
		cmocka_unit_test(a_page_is_described_by_the_last_line),
		cmocka_unit_test(a_page_of_nonsense_is_none),
		cmocka_unit_test(failures_of_a_page_are_bounded),
		cmocka_unit_test(an_app_is_installed_started_and_shown),
		cmocka_unit_test(only_our_start_counts_and_a_broken_page_is_told),
		cmocka_unit_test(a_failed_install_is_told_as_such),
		cmocka_unit_test(a_crash_at_the_start_is_told_as_such),
		cmocka_unit_test(an_app_that_watches_goes_on),
		cmocka_unit_test(without_a_sandbox_the_version_stands),
		cmocka_unit_test(nonsense_of_the_agent_ends_the_step),
		cmocka_unit_test(a_cancelled_turn_ends_at_once),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
