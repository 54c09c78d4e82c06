#include "agent_health.h"

#include "cleanup.h"
#include "clock.h"
#include "http_client.h"
#include "json.h"

#include <poll.h>
#include <sys/inotify.h>

#define ANSWER_MAX_BYTES 4096
#define COUNT_MAX	 100000

/* Between making its socket and answering on it an agent needs less than this. */
#define RETRY_MS	5
#define STILL_THERE_MS	250
#define ANSWER_PATIENCE 2000

static int take_count(const json_t *answer, const char *key, int64_t *ret, struct err *e)
{
	const json_t *v = json_object_get(answer, key);
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < 0 || n > COUNT_MAX) {
		return err_set(e, ERR_UPSTREAM, "the agent's health has no usable \"%s\"", key);
	}
	*ret = n;
	return 0;
}

bool agent_health_is_busy(const struct agent_health *h)
{
	return h->runs > 0 || h->queued > 0 || h->terminals > 0 || h->starting > 0;
}

int agent_health_get(struct http_client *http, const char *socket_path, int64_t timeout_ms,
		     struct agent_health *ret, struct err *e)
{
	static const char *const headers[] = {"Connection: close", NULL};
	struct http_request request = {.method = "GET",
				       .url = "http://agent/v1/health",
				       .unix_socket = socket_path,
				       .headers = headers,
				       .connect_timeout_ms = timeout_ms,
				       .total_timeout_ms = timeout_ms,
				       .response_max_bytes = ANSWER_MAX_BYTES};
	auto_http_response response = {0};
	struct agent_health health = {0};
	auto_json *answer = NULL;

	if (http_client_perform(http, &request, &response, e) < 0) {
		return err_prefix(e, "the sandbox's agent");
	}
	if (response.status != 200) {
		return err_set(e, ERR_UPSTREAM, "the sandbox's agent answered %d", response.status);
	}
	if (json_parse(response.body.data, response.body.len, ANSWER_MAX_BYTES, &answer, e) < 0) {
		e->kind = ERR_UPSTREAM;
		return err_prefix(e, "the sandbox's agent");
	}
	if (take_count(answer, "runs", &health.runs, e) < 0 ||
	    take_count(answer, "queued", &health.queued, e) < 0) {
		return -1;
	}
	/* An agent that runs since before an update may not know of these. */
	if ((json_object_get(answer, "terminals") &&
	     take_count(answer, "terminals", &health.terminals, e) < 0) ||
	    (json_object_get(answer, "starting") &&
	     take_count(answer, "starting", &health.starting, e) < 0)) {
		return -1;
	}
	*ret = health;
	return 0;
}

/* Drops what inotify has to say: that it woke us is all we want. */
static void drain(int fd)
{
	char buf[4096] __attribute__((aligned(8)));

	while (read(fd, buf, sizeof(buf)) > 0) {
	}
}

int agent_health_wait(struct http_client *http, const char *dir, const char *socket_path,
		      int64_t deadline_ms, int (*still_there)(void *ctx, struct err *e), void *ctx,
		      struct err *e)
{
	auto_close int changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int64_t next_look_ms = clock_mono_ms() + STILL_THERE_MS;
	struct agent_health health;
	struct pollfd p = {.fd = changes, .events = POLLIN};

	if (changes < 0 || inotify_add_watch(changes, dir, IN_CREATE | IN_MOVED_TO) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot watch %s", dir);
	}
	while (agent_health_get(http, socket_path, ANSWER_PATIENCE, &health, e) < 0) {
		if (clock_mono_ms() >= deadline_ms) {
			e->kind = ERR_TIMEOUT;
			return err_prefix(e, "the sandbox did not come up in time");
		}
		if (clock_mono_ms() >= next_look_ms) {
			if (still_there(ctx, e) < 0) {
				return -1;
			}
			next_look_ms = clock_mono_ms() + STILL_THERE_MS;
		}
		(void)poll(&p, 1, RETRY_MS);
		drain(changes);
	}
	return 0;
}
