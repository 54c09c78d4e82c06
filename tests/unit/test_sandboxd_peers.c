/* What sandboxd makes of Docker's and an agent's answers: a fake of either says what no real one
 * would. */

#include "unit.h"

#include "cleanup.h"
#include "clock.h"
#include "http_client.h"
#include "json.h"
#include "sandboxd/agent_health.h"
#include "sandboxd/docker_client.h"
#include "sandboxd/docker_spec.h"
#include "sandboxd/driver.h"
#include "unix_sock.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#define ANSWERS_MAX 8

/* Answers the n-th connection with the n-th text, the last one for ever. */
struct fake {
	char path[64];
	int fd;
	pthread_t thread;
	const char *answers[ANSWERS_MAX];
	size_t n_answers;
	bool slow;	  /* one byte at a time */
	bool silent;	  /* never answers */
	char asked[4096]; /* what the last one asked */
};

static void say(const struct fake *f, int fd, const char *text)
{
	size_t len = strlen(text), step = f->slow ? 1 : len;

	for (size_t at = 0; at < len; at += step) {
		if (send(fd, text + at, step, MSG_NOSIGNAL) < 0) {
			return;
		}
	}
}

static void *serve(void *arg)
{
	struct fake *f = arg;

	for (size_t i = 0;; i++) {
		struct pollfd p = {.fd = f->fd, .events = POLLIN};
		auto_close int fd = -1;
		ssize_t n;

		(void)poll(&p, 1, -1);
		fd = accept4(f->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			return NULL;
		}
		n = recv(fd, f->asked, sizeof(f->asked) - 1, 0);
		f->asked[n > 0 ? n : 0] = '\0';
		if (f->silent) {
			char c;

			(void)recv(fd, &c, 1, 0); /* until it gives up */
			continue;
		}
		say(f, fd, f->answers[i < f->n_answers ? i : f->n_answers - 1]);
	}
}

static void fake_start(struct fake *f)
{
	struct err e;

	(void)snprintf(f->path, sizeof(f->path), "/tmp/slipway-fake-%d-%ld.sock", (int)getpid(),
		       random());
	assert_ok(unix_listen(f->path, 0600, 8, &f->fd, &e));
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
}

static void fake_stop(struct fake *f)
{
	shutdown(f->fd, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->fd);
	unlink(f->path);
}

#define HEAD(status) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n"
#define VERSION_141  HEAD("200 OK") "{\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}"

static enum err_kind docker_kind(const char *version, const char *answer, char ret_asked[4096])
{
	struct fake f = {.answers = {version, answer}, .n_answers = 2};
	struct docker_client *c;
	json_t *ret = NULL;
	struct err e = {.kind = ERR_CANCELLED};

	fake_start(&f);
	c = docker_client_create(f.path);
	if (docker_call(c, "GET", "/x", NULL, 2000, &ret, &e) == 0) {
		e.kind = ERR_CANCELLED; /* stands for: went well */
	}
	json_decref(ret);
	docker_client_destroy(c);
	fake_stop(&f);
	memcpy(ret_asked, f.asked, sizeof(f.asked));
	return e.kind;
}

static void test_docker_answers(void **state)
{
	static const struct {
		const char *answer;
		enum err_kind kind;
	} cases[] = {
		{HEAD("200 OK") "{}", ERR_CANCELLED},
		{HEAD("204 No Content"), ERR_CANCELLED},
		{HEAD("304 Not Modified"), ERR_CANCELLED},
		{HEAD("200 OK") "{\"a\":", ERR_UPSTREAM},
		{HEAD("200 OK") "{\"a\":1,\"a\":2}", ERR_UPSTREAM},
		{HEAD("404 Not Found") "{\"message\":\"no such container\"}", ERR_NOT_FOUND},
		{HEAD("409 Conflict") "{\"message\":\"name taken\"}", ERR_CONFLICT},
		{HEAD("500 Oops") "{\"message\":\"mkdir: no space left on device\"}", ERR_NO_SPACE},
		{HEAD("500 Oops") "<html>", ERR_UPSTREAM},
		{HEAD("500 Oops") "{\"message\":7}", ERR_UPSTREAM},
		{"nonsense\r\n\r\n", ERR_UNAVAILABLE},
		{"", ERR_UNAVAILABLE},
	};
	char asked[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(docker_kind(VERSION_141, cases[i].answer, asked), cases[i].kind);
		assert_non_null(strstr(asked, "GET /v1.41/x "));
	}
}

static void test_docker_versions(void **state)
{
	char asked[4096];

	(void)state;
	(void)docker_kind(HEAD("200 OK") "{\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.44\"}",
			  HEAD("200 OK") "{}", asked);
	assert_non_null(strstr(asked, "GET /v1.44/x "));
	(void)docker_kind(HEAD("200 OK") "{\"ApiVersion\":\"1.60\",\"MinAPIVersion\":\"1.50\"}",
			  HEAD("200 OK") "{}", asked);
	assert_non_null(strstr(asked, "GET /v1.50/x "));
	assert_int_equal(docker_kind(HEAD("200 OK") "{\"ApiVersion\":\"1.39\"}", "", asked),
			 ERR_UNAVAILABLE);
	assert_int_equal(docker_kind(HEAD("200 OK") "{}", "", asked), ERR_UNAVAILABLE);
	assert_int_equal(docker_kind(HEAD("200 OK") "{\"ApiVersion\":\"9\"}", "", asked),
			 ERR_UNAVAILABLE);
}

static void test_docker_silence_is_a_timeout(void **state)
{
	struct fake f = {.silent = true};
	struct docker_client *c;
	int64_t since_ms;
	struct err e;

	(void)state;
	fake_start(&f);
	c = docker_client_create(f.path);
	since_ms = clock_mono_ms();
	assert_err(docker_call(c, "GET", "/x", NULL, 100, NULL, &e), ERR_TIMEOUT);
	assert_true(clock_mono_ms() - since_ms < 8000);
	docker_client_destroy(c);
	fake_stop(&f);
}

struct seen {
	int opened, objects;
	char last[64];
};

static void on_object(void *ctx, const json_t *object)
{
	struct seen *s = ctx;

	s->objects++;
	(void)snprintf(s->last, sizeof(s->last), "%s",
		       json_string_value(json_object_get(object, "n")));
}

static void on_open(void *ctx)
{
	struct seen *s = ctx;

	s->opened++;
}

static bool keep_on(void *ctx)
{
	(void)ctx;
	return true;
}

/* However the bytes come, each line is one object; what is none is skipped. */
static void test_docker_stream(void **state)
{
	static const char stream[] = HEAD("200 OK") "{\"n\":\"1\"}\nnonsense\n[]\n\n{\"n\":\"2\"}\n"
						    "{\"n\":\"cut off";

	(void)state;
	for (int slow = 0; slow < 2; slow++) {
		struct fake f = {
			.answers = {VERSION_141, stream}, .n_answers = 2, .slow = slow != 0};
		struct seen seen = {0};
		struct docker_stream s = {.on_object = on_object,
					  .on_open = on_open,
					  .keep_on = keep_on,
					  .ctx = &seen};
		struct docker_client *c;
		struct err e;

		fake_start(&f);
		c = docker_client_create(f.path);
		assert_err(docker_follow(c, "/events", &s, &e), ERR_UNAVAILABLE);
		assert_int_equal(seen.opened, 1);
		assert_int_equal(seen.objects, 2);
		assert_string_equal(seen.last, "2");
		docker_client_destroy(c);
		fake_stop(&f);
	}
}

static void test_query_encoding(void **state)
{
	auto_strbuf b;

	(void)state;
	strbuf_init(&b, 100);
	docker_url_add(&b, "{\"a\":[\"b=c&d\"]}~");
	assert_string_equal(b.data, "%7B%22a%22%3A%5B%22b%3Dc%26d%22%5D%7D~");
}

/* the agent */

static int health(const char *answer, struct agent_health *ret, struct err *e)
{
	struct fake f = {.answers = {answer}, .n_answers = 1, .silent = answer == NULL};
	struct http_client *http = http_client_create();
	int rc;

	fake_start(&f);
	rc = agent_health_get(http, f.path, 300, ret, e);
	http_client_destroy(http);
	fake_stop(&f);
	return rc;
}

static void test_agent_health(void **state)
{
	static char huge[64 * 1024] = HEAD("200 OK");
	struct agent_health h = {.runs = -7};
	struct err e;

	(void)state;
	memset(huge + strlen(huge), 'x', sizeof(huge) - strlen(huge) - 1);
	assert_err(health(huge, &h, &e), ERR_TOO_LARGE);
	assert_err(health(NULL, &h, &e), ERR_TIMEOUT);
	assert_err(health("", &h, &e), ERR_UPSTREAM);
	assert_err(health(HEAD("200 OK") "[]", &h, &e), ERR_UPSTREAM);
	assert_err(health(HEAD("200 OK") "{\"runs\":-1,\"queued\":0}", &h, &e), ERR_UPSTREAM);
	assert_err(health(HEAD("200 OK") "{\"runs\":0,\"queued\":\"0\"}", &h, &e), ERR_UPSTREAM);
	assert_err(health(HEAD("200 OK") "{\"runs\":1e3,\"queued\":0}", &h, &e), ERR_UPSTREAM);
	assert_err(health(HEAD("500 No") "{\"runs\":0,\"queued\":0}", &h, &e), ERR_UPSTREAM);
	assert_err(health("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n", &h, &e),
		   ERR_UPSTREAM);
	assert_int_equal(h.runs, -7);
	assert_ok(health(HEAD("200 OK") "{\"version\":\"1\",\"runs\":2,\"queued\":3}", &h, &e));
	assert_int_equal(h.runs, 2);
	assert_int_equal(h.queued, 3);
	assert_int_equal(h.terminals, 0);
	assert_true(agent_health_is_busy(&h));
	assert_err(health(HEAD("200 OK") "{\"runs\":0,\"queued\":0,\"terminals\":-1}", &h, &e),
		   ERR_UPSTREAM);
	assert_ok(health(HEAD("200 OK") "{\"runs\":0,\"queued\":0,\"terminals\":1}", &h, &e));
	assert_true(agent_health_is_busy(&h));
	assert_ok(health(HEAD("200 OK") "{\"runs\":0,\"queued\":0,\"terminals\":0}", &h, &e));
	assert_false(agent_health_is_busy(&h));
}

static int gone(void *ctx, struct err *e)
{
	(void)ctx;
	return err_set(e, ERR_UPSTREAM, "it ended");
}

static int there(void *ctx, struct err *e)
{
	(void)ctx;
	(void)e;
	return 0;
}

static void test_waiting_for_an_agent_ends(void **state)
{
	struct http_client *http = http_client_create();
	struct err e;

	(void)state;
	assert_err(agent_health_wait(http, "/tmp", "/tmp/slipway-no-agent.sock",
				     clock_mono_ms() + 50, there, NULL, &e),
		   ERR_TIMEOUT);
	assert_err(agent_health_wait(http, "/tmp", "/tmp/slipway-no-agent.sock",
				     clock_mono_ms() + 10000, gone, NULL, &e),
		   ERR_UPSTREAM);
	http_client_destroy(http);
}

/* what Docker is asked for */

static void test_spec_has_every_limit(void **state)
{
	static const char expected[] =
		"{\"CapAdd\":[\"SETUID\",\"SETGID\",\"KILL\"],\"CapDrop\":[\"ALL\"],"
		"\"CgroupnsMode\":\"private\",\"CpuShares\":128,\"Init\":false,"
		"\"IpcMode\":\"private\",\"LogConfig\":{\"Config\":{\"max-file\":\"1\","
		"\"max-size\":\"1m\"},\"Type\":\"json-file\"},\"Memory\":1048576,"
		"\"MemorySwap\":1048576,\"Mounts\":[{\"BindOptions\":{\"Propagation\":\"rprivate\"}"
		","
		"\"ReadOnly\":true,\"Source\":\"/host\",\"Target\":\"/in\",\"Type\":\"bind\"}],"
		"\"NanoCpus\":1500000000,\"NetworkMode\":\"none\",\"OomScoreAdj\":500,"
		"\"PidsLimit\":64,\"Privileged\":false,\"ReadonlyRootfs\":true,"
		"\"RestartPolicy\":{\"Name\":\"no\"},\"Runtime\":\"runsc\","
		"\"SecurityOpt\":[\"no-new-privileges:true\"],\"Tmpfs\":{\"/tmp\":"
		"\"rw,nosuid,nodev,mode=1777,size=4096\"},\"Ulimits\":[{\"Hard\":16384,"
		"\"Name\":\"nofile\",\"Soft\":16384},{\"Hard\":0,\"Name\":\"core\",\"Soft\":0}],"
		"\"UsernsMode\":\"host\"}";
	struct driver_spec spec = {.name = "n",
				   .image = "sha256:i",
				   .runtime = "runsc",
				   .hostname = "sandbox",
				   .labels = {{"a", "b"}},
				   .env = {"A=1", "B=2"},
				   .binds = {{"/host", "/in", true}},
				   .memory_bytes = 1048576,
				   .cpu_milli = 1500,
				   .pids_max = 64,
				   .tmp_bytes = 4096};
	auto_json *body = docker_spec_json(&spec);
	auto_free char *host = NULL;

	(void)state;
	assert_non_null(body);
	host = json_dumps(json_object_get(body, "HostConfig"), JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(host, expected);
	assert_string_equal(json_string_value(json_object_get(body, "WorkingDir")), "/workspace");
	assert_string_equal(json_string_value(json_object_get(body, "User")), "0:0");
	assert_int_equal(json_array_size(json_object_get(body, "Env")), 2);
}

static int global(void **state)
{
	struct err e;

	(void)state;
	return http_client_global_init(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_docker_answers),
		cmocka_unit_test(test_docker_versions),
		cmocka_unit_test(test_docker_silence_is_a_timeout),
		cmocka_unit_test(test_docker_stream),
		cmocka_unit_test(test_query_encoding),
		cmocka_unit_test(test_agent_health),
		cmocka_unit_test(test_waiting_for_an_agent_ends),
		cmocka_unit_test(test_spec_has_every_limit),
	};

	return cmocka_run_group_tests_name("sandboxd's peers", tests, global, NULL);
}
