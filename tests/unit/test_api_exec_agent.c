/* The agent's answers, honest and hostile: frames, counts, and a fake agent on a socket. */

#include "agent_call.h"
#include "clock.h"
#include "config.h"
#include "exec/agent_answer.h"
#include "exec/agent_client.h"
#include "exec/text_stream.h"
#include "fake_agent.h"
#include "http_client.h"
#include "tar_build.h"
#include "token.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

#define EXIT_OK                                                                                    \
	"{\"exit_code\":0,\"signal\":null,\"timed_out\":false,\"truncated\":false,"                \
	"\"oom_killed\":false,\"listening\":false,\"duration_ms\":12}"

static struct app app;
static char dir[] = "/tmp/slipway-agent-XXXXXX";

static int start(void **state)
{
	struct config *config;
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_ok(token_global_init(&e));
	assert_ok(config_load(NULL, &config, &e));
	assert_ok(http_client_global_init(&e));
	app = (struct app){.config = config, .http = http_client_create()};
	return 0;
}

static int stop(void **state)
{
	(void)state;
	http_client_destroy(app.http);
	config_destroy((struct config *)(uintptr_t)app.config);
	return rmdir(dir);
}

struct seen {
	struct strbuf text[2];
	size_t events;
	bool cancel; /* at the next tick */
};

static int see(void *ctx, enum frame_type type, const char *payload, size_t len, struct err *e)
{
	struct seen *s = ctx;

	(void)e;
	if (type == FRAME_STDOUT || type == FRAME_STDERR) {
		return strbuf_add(&s->text[type == FRAME_STDERR], payload, len);
	}
	s->events++;
	return 0;
}

static int tick(void *ctx, struct err *e)
{
	struct seen *s = ctx;

	return s->cancel ? err_set(e, ERR_CANCELLED, "gone") : 0;
}

static void seen_init(struct seen *s)
{
	*s = (struct seen){0};
	strbuf_init(&s->text[0], 16 << 20);
	strbuf_init(&s->text[1], 16 << 20);
}

static void seen_fini(struct seen *s)
{
	strbuf_fini(&s->text[0]);
	strbuf_fini(&s->text[1]);
}

static int run(const char *path, struct seen *s, struct run_result *ret, struct err *e)
{
	static const char *const argv[] = {"node", "index.js", NULL};
	const struct run_callbacks cb = {.on_frame = see, .on_tick = tick, .ctx = s};
	const struct run_request rq = {
		.id = "5e1a2b3c-0000-4000-8000-000000000000",
		.argv = argv,
		.write_path = "index.js",
		.write_content = "console.log(\"\xc3\xa4\")",
		.write_content_len = 17,
		.timeout_ms = 1000,
		.output_max_bytes = 1000,
	};

	return agent_run(&app, path, &rq, &cb, ret, e);
}

static void socket_path(char path[100])
{
	(void)snprintf(path, 100, "%s/agent.sock", dir);
}

static void a_run_from_start_to_end(void **state)
{
	struct fake_agent a;
	struct strbuf *b;
	struct run_result r;
	struct seen s;
	struct err e;
	char path[100];

	(void)state;
	socket_path(path);
	fake_agent_init(&a, path);
	b = fake_agent_frames(&a);
	frame_text(b, FRAME_QUEUED, "{\"position\":1}");
	frame_text(b, FRAME_STARTED, "{\"pid\":2}");
	frame_text(b, FRAME_STDOUT, "out");
	frame_text(b, FRAME_STDERR, "err");
	frame_text(b, FRAME_STDOUT, "put");
	frame_text(
		b, FRAME_EXIT,
		"{\"exit_code\":null,\"signal\":\"SIGKILL\",\"timed_out\":true,\"duration_ms\":7}");
	fake_agent_start(&a);
	seen_init(&s);
	assert_ok(run(path, &s, &r, &e));
	assert_string_equal(s.text[0].data, "output");
	assert_string_equal(s.text[1].data, "err");
	assert_int_equal(s.events, 2);
	assert_string_equal(r.signal, "SIGKILL");
	assert_int_equal(r.exit_code, -1);
	assert_true(r.timed_out && !r.truncated && !r.listening);
	assert_int_equal(r.duration_ms, 7);
	assert_int_equal(r.output_bytes, 9);
	assert_non_null(strstr(a.requests.data, "POST /v1/runs HTTP/1.1\r\n"));
	assert_non_null(strstr(a.requests.data, "\"argv\":[\"node\",\"index.js\"]"));
	seen_fini(&s);
	fake_agent_stop(&a);
}

/* Whatever an agent sends, the worker gets ERR_UPSTREAM and no result. */
static void nonsense_is_an_upstream_error(void **state)
{
	static const struct {
		enum frame_type type;
		const char *text;
	} scripts[][3] = {
		{{FRAME_STDOUT, "no end"}},
		{{FRAME_EXIT, EXIT_OK}, {FRAME_STDOUT, "after the end"}},
		{{FRAME_EXIT, EXIT_OK}, {FRAME_EXIT, EXIT_OK}},
		{{(enum frame_type)77, "x"}},
		{{FRAME_EXIT, "not json"}},
		{{FRAME_EXIT, "[]"}},
		{{FRAME_EXIT, "{}"}},
		{{FRAME_EXIT, "{\"exit_code\":99999,\"duration_ms\":1}"}},
		{{FRAME_EXIT, "{\"exit_code\":0,\"duration_ms\":-1}"}},
		{{FRAME_EXIT, "{\"exit_code\":0,\"duration_ms\":1e300}"}},
		{{FRAME_EXIT, "{\"exit_code\":0,\"duration_ms\":9223372036854775807}"}},
		{{FRAME_EXIT, "{\"exit_code\":0,\"duration_ms\":1,\"more\":1}"}},
		{{FRAME_EXIT, "{\"signal\":\"<script>\",\"duration_ms\":1}"}},
		{{FRAME_EXIT, "{\"signal\":\"SIGKILLSIGKILLSIGKILL\",\"duration_ms\":1}"}},
		{{FRAME_STARTED, "\xff"}, {FRAME_EXIT, EXIT_OK}},
		{{FRAME_LISTENING, "{\"port\":"}, {FRAME_EXIT, EXIT_OK}},
	};
	char path[100];

	(void)state;
	socket_path(path);
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct fake_agent a;
		struct run_result r = {.duration_ms = 4711};
		struct strbuf *b;
		struct seen s;
		struct err e;

		fake_agent_init(&a, path);
		b = fake_agent_frames(&a);
		for (size_t k = 0; k < 3 && scripts[i][k].text; k++) {
			frame_text(b, scripts[i][k].type, scripts[i][k].text);
		}
		fake_agent_start(&a);
		seen_init(&s);
		assert_err(run(path, &s, &r, &e), ERR_UPSTREAM);
		assert_int_equal(r.duration_ms, 4711);
		seen_fini(&s);
		fake_agent_stop(&a);
	}
}

static void bytes_that_are_no_answer(void **state)
{
	static const char *const answers[] = {
		"",
		"\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\x01\xff\xff\xff\xff",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\x05\x01\x01",
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 500 Oops\r\nContent-Length: 13\r\n\r\n{\"detail\":\"\x01\"}",
		"HTTP/1.1 418 Teapot\r\nContent-Length: 23\r\n\r\n{\"detail\":\"short\\u0000\"}",
	};
	char path[100];

	(void)state;
	socket_path(path);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct fake_agent a;
		struct run_result r;
		struct seen s;
		struct err e;

		fake_agent_init(&a, path);
		strbuf_adds(fake_agent_answer(&a), answers[i]);
		fake_agent_start(&a);
		seen_init(&s);
		assert_err(run(path, &s, &r, &e), ERR_UPSTREAM);
		for (const char *c = e.text; *c; c++) {
			assert_true((unsigned char)*c >= 0x20);
		}
		seen_fini(&s);
		fake_agent_stop(&a);
	}
}

static void statuses_keep_their_meaning(void **state)
{
	static const struct {
		const char *answer;
		enum err_kind kind;
	} cases[] = {
		{"HTTP/1.1 429 Busy\r\nContent-Length: 0\r\n\r\n", ERR_RATE_LIMITED},
		{"HTTP/1.1 507 Full\r\nContent-Length: 0\r\n\r\n", ERR_NO_SPACE},
	};
	struct seen s;
	struct run_result r;
	struct err e;
	char path[100];

	(void)state;
	socket_path(path);
	seen_init(&s);
	assert_err(run(path, &s, &r, &e), ERR_UNAVAILABLE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_agent a;

		fake_agent_init(&a, path);
		strbuf_adds(fake_agent_answer(&a), cases[i].answer);
		fake_agent_start(&a);
		assert_err(run(path, &s, &r, &e), cases[i].kind);
		fake_agent_stop(&a);
	}
	seen_fini(&s);
}

static void output_beyond_the_cap_is_refused(void **state)
{
	static char zeros[64 * 1024];
	char path[100];

	(void)state;
	socket_path(path);
	for (int frames = 1; frames <= 2; frames++) {
		struct fake_agent a;
		struct run_result r;
		struct strbuf *b;
		struct seen s;
		struct err e = {0};

		fake_agent_init(&a, path);
		b = fake_agent_frames(&a);
		for (int i = 0; i < frames; i++) { /* the cap is 1000 bytes, the slack 64 KiB */
			frame_write(b, FRAME_STDERR, zeros, sizeof(zeros));
		}
		frame_text(b, FRAME_EXIT, EXIT_OK);
		fake_agent_start(&a);
		seen_init(&s);
		if (frames == 1) {
			assert_ok(run(path, &s, &r, &e));
		} else {
			assert_err(run(path, &s, &r, &e), ERR_UPSTREAM);
		}
		seen_fini(&s);
		fake_agent_stop(&a);
	}
}

/* The agent kills a run whose client closes: so a client that goes away must close. */
static void a_cancelled_run_closes_the_connection(void **state)
{
	struct fake_agent a;
	struct run_result r;
	struct seen s;
	struct err e;
	char path[100];
	int64_t begin_ms = clock_mono_ms();

	(void)state;
	socket_path(path);
	fake_agent_init(&a, path);
	frame_text(fake_agent_frames(&a), FRAME_STARTED, "{\"pid\":2}");
	a.hold_open = true;
	fake_agent_start(&a);
	seen_init(&s);
	s.cancel = true;
	assert_err(run(path, &s, &r, &e), ERR_CANCELLED);
	assert_true(clock_mono_ms() - begin_ms < 5000);
	pthread_join(a.thread, NULL);
	assert_int_equal(a.client_closed, 1);
	close(a.fd);
	close(a.stop[0]);
	close(a.stop[1]);
	unlink(a.path);
	a.fd = -1;
	seen_fini(&s);
	fake_agent_stop(&a);
}

static void paths_are_percent_encoded(void **state)
{
	struct fake_agent a;
	struct err e;
	char path[100];

	(void)state;
	socket_path(path);
	fake_agent_init(&a, path);
	strbuf_adds(fake_agent_answer(&a), "HTTP/1.1 204 No Content\r\n\r\n");
	strbuf_adds(fake_agent_answer(&a), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	fake_agent_start(&a);
	assert_ok(agent_delete(app.http, path, "a b/%2e?#\xc3\xa4.js", &e));
	assert_err(agent_delete(app.http, path, "x", &e), ERR_NOT_FOUND);
	assert_non_null(strstr(a.requests.data,
			       "DELETE /v1/files/a%20b/%252e%3F%23%C3%A4.js HTTP/1.1\r\n"));
	fake_agent_stop(&a);
}

/* Every split of a text that is part UTF-8, part not, gives what the whole gives. */
static void text_streams_survive_any_split(void **state)
{
	static const char text[] = "a\xc3\xa4\xe2\x98\x83\xf0\x9f\x98\x80\xff\xe2\x98"
				   "b\xc3\xf0\x9f\x98";
	struct strbuf whole, split;
	size_t len = sizeof(text) - 1;

	(void)state;
	strbuf_init(&whole, 1000);
	strbuf_init(&split, 1000);
	for (size_t i = 0; i <= len; i++) {
		for (size_t k = i; k <= len; k++) {
			struct text_stream one = {0}, three = {0};

			strbuf_reset(&whole);
			strbuf_reset(&split);
			assert_int_equal(text_stream_add(&one, text, len, &whole), 0);
			assert_int_equal(text_stream_end(&one, &whole), 0);
			assert_int_equal(text_stream_add(&three, text, i, &split), 0);
			assert_int_equal(text_stream_add(&three, text + i, k - i, &split), 0);
			assert_int_equal(text_stream_add(&three, text + k, len - k, &split), 0);
			assert_int_equal(text_stream_end(&three, &split), 0);
			assert_string_equal(split.data, whole.data);
		}
	}
	assert_non_null(strstr(whole.data, "\xf0\x9f\x98\x80\xef\xbf\xbd"));
	strbuf_fini(&whole);
	strbuf_fini(&split);
}

static void tar_holds_what_was_added(void **state)
{
	char deep[600] = "";
	struct archive *in = archive_read_new();
	struct archive_entry *entry;
	struct tar_build t;
	struct err e;
	size_t n = 0;
	const char *names[3] = {"index.js", "gr\xc3\xbc\xc3\x9f/run.sh", deep};

	(void)state;
	for (int i = 0; i < 50; i++) { /* longer than ustar's fields: a pax header */
		strcat(deep, "directory/");
	}
	strcat(deep, "file");
	assert_ok(tar_build_init(&t, 1 << 20, &e));
	assert_ok(tar_build_add(&t, names[0], "one", 3, 0644, &e));
	assert_ok(tar_build_add(&t, names[1], "", 0, 0755, &e));
	assert_ok(tar_build_add(&t, names[2], "three", 5, 0644, &e));
	assert_ok(tar_build_finish(&t, &e));
	/* The reader converts names by the locale; the writer, which is ours, must not. */
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	archive_read_support_format_tar(in);
	assert_int_equal(archive_read_open_memory(in, t.bytes.data, t.bytes.len), ARCHIVE_OK);
	while (archive_read_next_header(in, &entry) == ARCHIVE_OK) {
		char bytes[16];

		assert_string_equal(archive_entry_pathname(entry), names[n]);
		assert_int_equal(archive_entry_filetype(entry), AE_IFREG);
		assert_int_equal(archive_entry_perm(entry), n == 1 ? 0755 : 0644);
		assert_int_equal(archive_read_data(in, bytes, sizeof(bytes)),
				 archive_entry_size(entry));
		n++;
	}
	assert_int_equal(n, 3);
	archive_read_free(in);
	setlocale(LC_CTYPE, "C");
	tar_build_fini(&t);
}

static void tar_has_a_maximum(void **state)
{
	static char bytes[10000];
	struct tar_build t;
	struct err e;

	(void)state;
	assert_ok(tar_build_init(&t, 4096, &e));
	assert_err(tar_build_add(&t, "a", bytes, sizeof(bytes), 0644, &e), ERR_TOO_LARGE);
	tar_build_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_from_start_to_end),
		cmocka_unit_test(nonsense_is_an_upstream_error),
		cmocka_unit_test(bytes_that_are_no_answer),
		cmocka_unit_test(statuses_keep_their_meaning),
		cmocka_unit_test(output_beyond_the_cap_is_refused),
		cmocka_unit_test(a_cancelled_run_closes_the_connection),
		cmocka_unit_test(paths_are_percent_encoded),
		cmocka_unit_test(text_streams_survive_any_split),
		cmocka_unit_test(tar_holds_what_was_added),
		cmocka_unit_test(tar_has_a_maximum),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
