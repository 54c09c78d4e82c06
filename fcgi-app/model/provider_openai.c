/* Chat completions of OpenAI and everything that speaks like it. */

#include "cleanup.h"
#include "clock.h"
#include "http_client.h"
#include "json.h"
#include "log.h"
#include "model/openai_stream.h"
#include "model/provider.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define DEFAULT_BASE_URL   "https://api.openai.com/v1"
#define CONNECT_TIMEOUT_MS 10000
#define ATTEMPTS_MAX	   3
#define BACK_OFF_MS	   400
#define RETRY_AFTER_MAX_S  20
#define URL_MAX_BYTES	   600
#define SCRUB_MIN_BYTES	   4
#define HEADER_MAX_BYTES   4200 /* a key of CONFIG's longest, with its name */

/* One request, with all its attempts. */
struct asking {
	struct app *app;
	const struct model_callbacks *cb;
	struct openai_stream stream; /* of the attempt in flight */
	int64_t deadline_ms;
	bool emitted;	 /* the caller has seen some text: no way back */
	bool told;	 /* a callback failed: its words stay */
	bool transient;	 /* the last failure is worth another attempt */
	int64_t wait_ms; /* the service's own wish for the next one, or 0 */
};

static bool configured(const struct config *config)
{
	return config_str(config, CFG_OPENAI_API_KEY)[0] ||
	       config_str(config, CFG_OPENAI_BASE_URL)[0];
}

static int make_url(const struct config *config, char *buf, size_t cap, struct err *e)
{
	const char *base = config_str(config, CFG_OPENAI_BASE_URL);
	static const char path[] = "/chat/completions";
	size_t len;

	if (!base[0]) {
		base = DEFAULT_BASE_URL;
	}
	if (strncasecmp(base, "http://", 7) != 0 && strncasecmp(base, "https://", 8) != 0) {
		return err_set(e, ERR_UNAVAILABLE,
			       "OPENAI_BASE_URL does not begin with http:// or https://");
	}
	len = strlen(base);
	while (len > 0 && base[len - 1] == '/') {
		len--;
	}
	/* given whole by some services' manuals */
	if (len >= sizeof(path) - 1 &&
	    strncmp(base + len - (sizeof(path) - 1), path, sizeof(path) - 1) == 0) {
		len -= sizeof(path) - 1;
	}
	if (len + sizeof(path) > cap) {
		return err_set(e, ERR_UNAVAILABLE, "OPENAI_BASE_URL is too long");
	}
	memcpy(buf, base, len);
	memcpy(buf + len, path, sizeof(path));
	return 0;
}

static int make_auth(const char *key, char *buf, size_t cap, struct err *e)
{
	for (const char *c = key; *c; c++) {
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f) {
			return err_set(e, ERR_UNAVAILABLE,
				       "OPENAI_API_KEY holds a character no key has");
		}
	}
	snprintf(buf, cap, "Authorization: Bearer %s", key);
	return 0;
}

static int make_body(const struct model_request *rq, char **ret_text, struct err *e)
{
	auto_json *body = json_pack("{s:s,s:[{s:s,s:s}],s:b,s:{s:b}}", "model", rq->model,
				    "messages", "role", "system", "content", rq->system, "stream",
				    1, "stream_options", "include_usage", 1);
	json_t *messages = json_object_get(body, "messages");

	for (size_t i = 0; i < rq->n_messages; i++) {
		json_t *m = json_pack("{s:s,s:s}", "role", rq->messages[i].role, "content",
				      rq->messages[i].content);

		if (!m || json_array_append_new(messages, m) < 0) {
			return err_set(e, ERR_INTERNAL, "the request to the model cannot be made");
		}
	}
	*ret_text = body ? json_text(body) : NULL;
	return *ret_text ? 0 : err_set(e, ERR_INTERNAL, "the request to the model cannot be made");
}

static int on_text(void *ctx, const char *text, size_t len, struct err *e)
{
	struct asking *a = ctx;

	a->emitted = true;
	return a->cb->on_text(a->cb->ctx, text, len, e);
}

static int on_body(void *ctx, const char *bytes, size_t len, struct err *e)
{
	struct asking *a = ctx;

	if (openai_stream_feed(&a->stream, bytes, len, e) < 0) {
		a->told = true;
		a->transient = a->stream.retryable;
		return -1;
	}
	return 0;
}

static int on_tick(void *ctx, struct err *e)
{
	struct asking *a = ctx;

	if (a->cb->on_tick(a->cb->ctx, e) < 0) {
		a->told = true;
		return -1;
	}
	return 0;
}

/* An answer that is not 2xx, in words that say what to do. */
static int explain_status(struct asking *a, const struct http_response *r, struct err *e)
{
	char words[300];

	openai_error_words(r->body.data, r->body.len, words, sizeof(words));
	if (r->status == 401 || r->status == 403) {
		/* its words are left out: they like to quote the key */
		return err_set(e, ERR_UNAVAILABLE,
			       "the model service refused the key: check OPENAI_API_KEY");
	}
	if (r->status == 429) {
		a->transient = r->retry_after_s <= RETRY_AFTER_MAX_S;
		a->wait_ms = r->retry_after_s > 0 && a->transient ? r->retry_after_s * 1000 : 0;
		return err_set(e, ERR_RATE_LIMITED, "the model service limits requests%s%s",
			       words[0] ? ": " : ": try again later", words);
	}
	if (r->status >= 300 && r->status < 400) {
		return err_set(e, ERR_UNAVAILABLE,
			       "the model service answered with a redirect (%d), which is not "
			       "followed: set OPENAI_BASE_URL to the final address",
			       r->status);
	}
	if (r->status >= 500) {
		a->transient = r->retry_after_s <= RETRY_AFTER_MAX_S;
		a->wait_ms = r->retry_after_s > 0 && a->transient ? r->retry_after_s * 1000 : 0;
	}
	return err_set(e, ERR_UPSTREAM, "the model service answered %d%s%s", r->status,
		       words[0] ? ": " : "", words);
}

/* A failure below HTTP: what libcurl says, with the peer named. */
static int explain_transport(struct asking *a, struct err *e)
{
	if (a->told) {
		return -1;
	}
	if (e->kind == ERR_UNAVAILABLE) {
		a->transient = true;
		return err_prefix(e, "the model service does not answer");
	}
	if (e->kind == ERR_UPSTREAM) {
		a->transient = true;
		return err_set(e, ERR_UPSTREAM, "the model service broke the connection off%s",
			       a->emitted ? " in the middle of its reply: ask again" : "");
	}
	if (e->kind == ERR_TIMEOUT) {
		return err_set(e, ERR_TIMEOUT, "the model service did not answer in time");
	}
	return err_prefix(e, "asking the model service");
}

static int64_t total_left_ms(const struct asking *a)
{
	int64_t left = a->deadline_ms - clock_mono_ms();

	return left > 0 ? left : 1;
}

static int attempt(struct asking *a, const char *url, const char *auth, const char *body,
		   struct err *e)
{
	const struct config *config = a->app->config;
	const char *const headers[] = {"Content-Type: application/json",
				       "Accept: text/event-stream, application/json",
				       auth[0] ? auth : NULL, NULL};
	auto_http_response r = {0};
	const struct http_request request = {
		.method = "POST",
		.url = url,
		.headers = headers,
		.body = body,
		.body_len = strlen(body),
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.total_timeout_ms = total_left_ms(a),
		.idle_timeout_ms = config_int(config, CFG_MODEL_IDLE_TIMEOUT_MS),
		.on_body = on_body,
		.on_tick = on_tick,
		.tick_ms = MODEL_TICK_MS,
		.ctx = a,
	};

	a->told = a->transient = false;
	a->wait_ms = 0;
	if (http_client_perform(a->app->http, &request, &r, e) < 0) {
		return explain_transport(a, e);
	}
	if (r.status < 200 || r.status > 299) {
		return explain_status(a, &r, e);
	}
	if (openai_stream_end(&a->stream, e) < 0) {
		a->transient =
			a->stream.retryable || (a->stream.seen_chunk && !a->stream.finish[0]);
		return -1;
	}
	return 0;
}

/* Half to the whole of a time that doubles with each attempt, or what the service asked for. */
static int64_t back_off_ms(const struct asking *a, int tries)
{
	int64_t most = (int64_t)BACK_OFF_MS << tries;
	uint32_t random = 0;

	if (a->wait_ms > 0) {
		return a->wait_ms;
	}
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random)) {
		return most;
	}
	return most / 2 + (int64_t)random % (most / 2);
}

/* Waits, ticking, because the caller has a client and a heartbeat to care for. */
static int wait_until(struct asking *a, int64_t until_ms, struct err *e)
{
	for (int64_t now = clock_mono_ms(); now < until_ms; now = clock_mono_ms()) {
		int64_t left = until_ms - now;

		(void)poll(NULL, 0, (int)(left < MODEL_TICK_MS ? left : MODEL_TICK_MS));
		if (a->cb->on_tick(a->cb->ctx, e) < 0) {
			return -1;
		}
	}
	return 0;
}

/* A service that quotes the key in an error must not make us do so; nor its beginning, where the
 * words were cut in the middle of it. */
static void scrub(struct err *e, const char *key)
{
	size_t len = strlen(key);
	size_t text_len = strlen(e->text);

	if (len < SCRUB_MIN_BYTES) {
		return;
	}
	for (char *at = e->text; (at = strstr(at, key));) {
		memset(at, '*', len);
	}
	for (size_t n = len < text_len ? len : text_len; n >= SCRUB_MIN_BYTES; n--) {
		if (strncmp(e->text + text_len - n, key, n) == 0) {
			memset(e->text + text_len - n, '*', n);
			return;
		}
	}
}

static int ask(struct asking *a, const char *url, const char *auth, const char *body,
	       struct model_usage *ret_usage, struct err *e)
{
	for (int tries = 0;; tries++) {
		int64_t wait;
		int rc;

		openai_stream_init(&a->stream,
				   (size_t)config_int(a->app->config, CFG_MODEL_REPLY_MAX_BYTES),
				   on_text, a);
		rc = attempt(a, url, auth, body, e);
		*ret_usage = a->stream.usage;
		openai_stream_fini(&a->stream);
		if (rc == 0) {
			return 0;
		}
		wait = back_off_ms(a, tries);
		if (a->emitted || !a->transient || tries + 1 >= ATTEMPTS_MAX ||
		    clock_mono_ms() + wait >= a->deadline_ms) {
			return -1;
		}
		log_warn("model_retry", "{s:s,s:i,s:I}", "kind", err_kind_name(e->kind), "attempt",
			 tries + 1, "wait_ms", (json_int_t)wait);
		if (wait_until(a, clock_mono_ms() + wait, e) < 0) {
			return -1;
		}
	}
}

static int stream(struct app *app, const struct model_request *rq, const struct model_callbacks *cb,
		  struct model_usage *ret_usage, struct err *e)
{
	const char *key = config_str(app->config, CFG_OPENAI_API_KEY);
	struct asking a = {
		.app = app,
		.cb = cb,
		.deadline_ms =
			clock_mono_ms() + config_int(app->config, CFG_MODEL_TOTAL_TIMEOUT_MS),
	};
	char url[URL_MAX_BYTES];
	char auth[HEADER_MAX_BYTES] = "";
	auto_free char *body = NULL;
	int rc;

	*ret_usage = (struct model_usage){-1, -1};
	if (make_url(app->config, url, sizeof(url), e) < 0 ||
	    (key[0] && make_auth(key, auth, sizeof(auth), e) < 0) || make_body(rq, &body, e) < 0) {
		return -1;
	}
	rc = ask(&a, url, auth, body, ret_usage, e);
	explicit_bzero(auth, sizeof(auth));
	if (rc < 0) {
		scrub(e, key);
	}
	return rc;
}

const struct provider provider_openai = {
	.name = "openai",
	.default_model = "gpt-4o-mini",
	.configured = configured,
	.stream = stream,
};
