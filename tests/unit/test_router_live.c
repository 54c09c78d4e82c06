/* What is said of an app, to whom, and that nothing in it becomes markup. */

#include "agent_state.h"
#include "app_policy.h"
#include "live.h"
#include "pages.h"
#include "preview-router/app.h"
#include "strbuf.h"
#include "unit.h"

#include <jansson.h>

static struct app app;
static struct app_policy policy;

static int each(void **state)
{
	(void)state;
	evloop_wake();
	agent_state_fini(&policy.agent);
	app = (struct app){.has_files = true, .state = APP_RUNNING, .port = 20000};
	policy = (struct app_policy){.app = &app, .since_ms = evloop_now_ms()};
	return 0;
}

static void agent_says(const char *json)
{
	char text[4096];
	struct err e;

	(void)snprintf(text, sizeof(text), "OK 0\n%s", json);
	agent_state_fini(&policy.agent);
	assert_ok(agent_state_parse(text, strlen(text), &policy.agent, &e));
	policy.agent_ms = evloop_now_ms();
}

static const char *said(enum live_kind kind, uint16_t port, bool is_owner)
{
	const struct live_viewer v = {.inner_port = port, .is_owner = is_owner};
	static struct live l;

	live_of(&policy, &v, &l);
	assert_int_equal(l.kind, kind);
	assert_non_null(l.title);
	if (!is_owner) {
		assert_null(l.error);
	}
	return l.state;
}

static void the_row_is_said(void **state)
{
	static const struct {
		enum app_state state;
		const char *phase, *said;
		enum live_kind kind;
	} rows[] = {
		{APP_STOPPED, "", "asleep", LIVE_STUCK},
		{APP_STOPPED, "waiting", "waiting", LIVE_COMING},
		{APP_STOPPED, "packages", "installing", LIVE_COMING},
		{APP_STARTING, "sandbox", "starting", LIVE_COMING},
		{APP_STARTING, "a phase of tomorrow", "starting", LIVE_COMING},
		{APP_RUNNING, "files", "starting", LIVE_COMING},
		{APP_RUNNING, "", "starting", LIVE_COMING},
		{APP_STOPPING, "", "stopping", LIVE_COMING},
		{APP_FAILED, "", "failed", LIVE_STUCK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		app.state = rows[i].state;
		(void)snprintf(app.phase, sizeof(app.phase), "%s", rows[i].phase);
		(void)snprintf(app.error, sizeof(app.error), "internals");
		assert_string_equal(said(rows[i].kind, 0, false), rows[i].said);
	}
	app.app_stopped = true;
	assert_string_equal(said(LIVE_STUCK, 0, false), "stopped");
	app.has_files = false;
	assert_string_equal(said(LIVE_STUCK, 0, false), "empty");
}

static void waking_is_said(void **state)
{
	(void)state;
	app.state = APP_STOPPED;
	policy.wake.wanted = true;
	assert_string_equal(said(LIVE_COMING, 0, false), "waking");
	(void)snprintf(policy.wake.error, sizeof(policy.wake.error), "rate_limited");
	assert_string_equal(said(LIVE_COMING, 0, false), "waiting");
	(void)snprintf(policy.wake.error, sizeof(policy.wake.error), "unavailable");
	assert_string_equal(said(LIVE_COMING, 0, false), "waking");
	app.state = APP_FAILED;
	assert_string_equal(said(LIVE_COMING, 0, false), "waking");
}

static void the_agent_is_said(void **state)
{
	(void)state;
	agent_says("{\"state\": \"installing\"}");
	assert_string_equal(said(LIVE_COMING, 0, false), "installing");
	agent_says("{\"state\": \"running\", \"ports\": [3000]}");
	assert_string_equal(said(LIVE_READY, 0, false), "running");
	assert_string_equal(said(LIVE_READY, 3000, false), "running");
	assert_string_equal(said(LIVE_COMING, 3001, false), "port");
	policy.bad =
		(struct bad_answers){.why = REFUSED_CLOSED, .until_ms = evloop_now_ms() + 1000};
	assert_string_equal(said(LIVE_COMING, 0, false), "bad_answer");
	agent_says("{\"state\": \"exited\"}");
	assert_string_equal(said(LIVE_STUCK, 0, false), "exited");
	agent_says("{\"state\": \"crashed\", \"error\": \"why\"}");
	assert_string_equal(said(LIVE_STUCK, 0, false), "crashed");
	/* Not for ever: it may have been restarted. */
	policy.agent_ms -= 10000;
	assert_string_equal(said(LIVE_COMING, 0, false), "starting");
	/* A restart goes on while the app still runs. */
	policy.bad.until_ms = 0;
	agent_says("{\"state\": \"running\", \"ports\": []}");
	(void)snprintf(app.phase, sizeof(app.phase), "files");
	assert_string_equal(said(LIVE_READY, 0, false), "running");
}

static json_t *status_for(bool is_owner)
{
	const struct live_viewer v = {.is_owner = is_owner};
	struct strbuf b;
	json_t *o;

	strbuf_init(&b, 65536);
	assert_int_equal(live_json(&policy, &v, &b), 0);
	o = json_loads(b.data, 0, NULL);
	assert_non_null(o);
	strbuf_fini(&b);
	return o;
}

static void errors_and_lines_are_the_owners(void **state)
{
	json_t *o;

	(void)state;
	agent_says("{\"state\": \"crashed\", \"error\": \"secret\", \"lines\":"
		   " [{\"stream\": \"stderr\", \"text\": \"secret\"}, 7, {}]}");
	o = status_for(true);
	assert_string_equal(json_string_value(json_object_get(o, "error")), "secret");
	assert_int_equal(json_array_size(json_object_get(o, "lines")), 3);
	json_decref(o);
	o = status_for(false);
	assert_true(json_is_null(json_object_get(o, "error")));
	assert_null(json_object_get(o, "lines"));
	json_decref(o);
}

static void markup_is_text(void **state)
{
	struct strbuf b;

	(void)state;
	strbuf_init(&b, 1000);
	assert_int_equal(html_add(&b, "<a href=\"x\" b='y'>&amp;\xFF\xC3\xA4"), 0);
	assert_string_equal(b.data, "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;"
				    "\xEF\xBF\xBD\xC3\xA4");
	strbuf_fini(&b);
	strbuf_init(&b, 5);
	assert_int_equal(html_add(&b, "<<"), -1);
	strbuf_fini(&b);
}

static void an_agent_is_not_believed_more_than_fits(void **state)
{
	static char text[AGENT_ANSWER_MAX_BYTES];
	struct agent_state s;
	struct err e;
	size_t n;

	(void)state;
	assert_err(agent_state_parse("", 0, &s, &e), ERR_UPSTREAM);
	assert_err(agent_state_parse("OK 0\n", 5, &s, &e), ERR_UPSTREAM);
	assert_err(agent_state_parse("OK 0\n[]", 7, &s, &e), ERR_UPSTREAM);
	assert_err(agent_state_parse("OK 0\n{\"state\": \"asleep\"}", 24, &s, &e), ERR_UPSTREAM);
	assert_err(agent_state_parse("NO secret\n", 10, &s, &e), ERR_UPSTREAM);
	n = (size_t)snprintf(text, sizeof(text),
			     "OK 0\n{\"state\":\"running\",\"for_ms\":-5,\"ports\":[0,70000,-1,80");
	for (int i = 0; i < 100; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",%d", 1000 + i);
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n, "],\"error\":\"");
	for (int i = 0; i < 400; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\xC3\xA4");
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n, "\",\"lines\":[{}");
	for (int i = 0; i < 100; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",{\"text\":\"%d\"}", i);
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n, "]}");
	assert_ok(agent_state_parse(text, n, &s, &e));
	assert_int_equal(s.for_ms, 0);
	assert_int_equal(s.n_ports, AGENT_PORTS_MAX);
	assert_int_equal(s.ports[0], 80);
	assert_int_equal(strlen(s.error), AGENT_TEXT_BYTES - 2); /* whole characters */
	assert_int_equal(s.n_lines, AGENT_LINES_MAX);
	assert_string_equal(s.lines[AGENT_LINES_MAX - 1].text, "99");
	agent_state_fini(&s);
}

static int last(void **state)
{
	(void)state;
	agent_state_fini(&policy.agent);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_row_is_said, each),
		cmocka_unit_test_setup(waking_is_said, each),
		cmocka_unit_test_setup(the_agent_is_said, each),
		cmocka_unit_test_setup(errors_and_lines_are_the_owners, each),
		cmocka_unit_test(markup_is_text),
		cmocka_unit_test(an_agent_is_not_believed_more_than_fits),
	};

	return cmocka_run_group_tests(tests, NULL, last);
}
