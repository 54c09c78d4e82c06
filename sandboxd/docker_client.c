#include "docker_client.h"

#include "cleanup.h"
#include "http_client.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 5000
#define VERSION_TIMEOUT_MS 5000
#define ANSWER_MAX_BYTES   (32 * 1024 * 1024)
#define EVENT_MAX_BYTES	   (256 * 1024)
#define STREAM_TICK_MS	   1000
/* Docker sends nothing while nothing happens; a stream this old is opened again to be sure. */
#define STREAM_IDLE_MS (10 * 60 * 1000)
#define PATH_BYTES     2048

/* Docker 29 speaks nothing below 1.44, Debian 12's 20.10 nothing above 1.41: within what the daemon
 * offers, the newest we were written for. */
#define API_OLDEST 40
#define API_NEWEST 44

struct docker_client {
	struct http_client *http;
	char *socket_path;
	int api; /* minor version in use, 0: not known yet */
};

struct docker_client *docker_client_create(const char *socket_path)
{
	struct docker_client *c = calloc(1, sizeof(*c));

	if (!c) {
		return NULL;
	}
	c->http = http_client_create();
	c->socket_path = strdup(socket_path);
	if (!c->http || !c->socket_path) {
		docker_client_destroy(c);
		return NULL;
	}
	return c;
}

void docker_client_destroy(struct docker_client *c)
{
	if (!c) {
		return;
	}
	http_client_destroy(c->http);
	free(c->socket_path);
	free(c);
}

/* Names the peer, without the path of its socket: callers pass these words on to users. A lost
 * connection may mean another Docker comes up, so its version is asked anew.
 */
static int broken(struct docker_client *c, struct err *e)
{
	c->api = 0;
	if (e->kind == ERR_UPSTREAM) {
		e->kind = ERR_UNAVAILABLE;
	}
	return err_prefix(e, "Docker");
}

/* Docker's own words for what went wrong. */
static int refused(const struct http_response *r, const char *what, struct err *e)
{
	enum err_kind kind = ERR_UPSTREAM;
	auto_json *body = NULL;
	const char *message = NULL;
	struct err ignored;

	if (json_parse(r->body.data, r->body.len, ANSWER_MAX_BYTES, &body, &ignored) == 0) {
		message = json_string_value(json_object_get(body, "message"));
	}
	if (r->status == 404) {
		kind = ERR_NOT_FOUND;
	} else if (r->status == 409) {
		kind = ERR_CONFLICT;
	} else if (message && strstr(message, "no space left on device")) {
		kind = ERR_NO_SPACE;
	}
	return err_set(e, kind, "Docker: %s: %.300s (%d)", what, message ? message : "no reason",
		       r->status);
}

/* *ret_response is initialised in every case and wants http_response_fini. */
static int fetch(struct docker_client *c, const char *method, const char *url, const json_t *body,
		 int64_t timeout_ms, struct http_response *ret_response, struct err *e)
{
	auto_free char *text = body ? json_text(body) : NULL;
	struct http_request request = {.method = method,
				       .url = url,
				       .unix_socket = c->socket_path,
				       .body = text,
				       .body_len = text ? strlen(text) : 0,
				       .connect_timeout_ms = CONNECT_TIMEOUT_MS,
				       .total_timeout_ms = timeout_ms,
				       .response_max_bytes = ANSWER_MAX_BYTES};

	if (http_client_perform(c->http, &request, ret_response, e) < 0) {
		return broken(c, e);
	}
	if (ret_response->status >= 400) {
		return refused(ret_response, method, e);
	}
	return 0;
}

static int perform(struct docker_client *c, const char *method, const char *url, const json_t *body,
		   int64_t timeout_ms, json_t **ret, struct err *e)
{
	auto_http_response response = {0};

	if (fetch(c, method, url, body, timeout_ms, &response, e) < 0) {
		return -1;
	}
	if (!ret) {
		return 0;
	}
	*ret = NULL;
	if (response.body.len == 0) {
		return 0;
	}
	if (json_parse(response.body.data, response.body.len, ANSWER_MAX_BYTES, ret, e) < 0) {
		e->kind = ERR_UPSTREAM;
		return err_prefix(e, "Docker's answer to %s", method);
	}
	return 0;
}

/* "1.41" → 41; 0 when it is something else. */
static int minor_of(const json_t *version)
{
	const char *s = json_string_value(version);
	int minor = 0;

	return s && sscanf(s, "1.%d", &minor) == 1 && minor > 0 ? minor : 0;
}

static int agree_on_version(struct docker_client *c, int64_t timeout_ms, struct err *e)
{
	auto_json *version = NULL;
	int newest, oldest;

	if (c->api != 0) {
		return 0;
	}
	if (timeout_ms > VERSION_TIMEOUT_MS) {
		timeout_ms = VERSION_TIMEOUT_MS;
	}
	if (perform(c, "GET", "http://docker/version", NULL, timeout_ms, &version, e) < 0) {
		return -1;
	}
	newest = minor_of(json_object_get(version, "ApiVersion"));
	oldest = minor_of(json_object_get(version, "MinAPIVersion"));
	if (newest < API_OLDEST) {
		return err_set(e, ERR_UNAVAILABLE,
			       "Docker (%s) is too old: it speaks API 1.%d, wanted is 1.%d",
			       c->socket_path, newest, API_OLDEST);
	}
	c->api = newest < API_NEWEST ? newest : API_NEWEST;
	if (c->api < oldest) {
		c->api = oldest;
	}
	return 0;
}

/* Within timeout_ms, if Docker has to be asked. */
static int versioned(struct docker_client *c, const char *path, int64_t timeout_ms,
		     char url[PATH_BYTES], struct err *e)
{
	if (agree_on_version(c, timeout_ms, e) < 0) {
		return -1;
	}
	if (snprintf(url, PATH_BYTES, "http://docker/v1.%d%s", c->api, path) >= PATH_BYTES) {
		return err_set(e, ERR_INTERNAL, "Docker call too long: %.100s", path);
	}
	return 0;
}

int docker_call(struct docker_client *c, const char *method, const char *path, const json_t *body,
		int64_t timeout_ms, json_t **ret, struct err *e)
{
	char url[PATH_BYTES];

	if (versioned(c, path, timeout_ms, url, e) < 0) {
		return -1;
	}
	return perform(c, method, url, body, timeout_ms, ret, e);
}

/*
 * Without a terminal each piece of output comes behind 8 bytes: the stream, three zeros, the length
 * in big-endian order.
 */
static void add_output(struct strbuf *b, const unsigned char *bytes, size_t len)
{
	while (len >= 8) {
		size_t n = (size_t)bytes[4] << 24 | (size_t)bytes[5] << 16 | (size_t)bytes[6] << 8 |
			   (size_t)bytes[7];

		bytes += 8;
		len -= 8;
		n = n < len ? n : len;
		strbuf_add(b, bytes, n < b->max - b->len ? n : b->max - b->len);
		bytes += n;
		len -= n;
	}
}

int docker_output(struct docker_client *c, const char *path, int64_t timeout_ms, struct strbuf *b,
		  struct err *e)
{
	auto_http_response response = {0};
	char url[PATH_BYTES];

	if (versioned(c, path, VERSION_TIMEOUT_MS, url, e) < 0 ||
	    fetch(c, "GET", url, NULL, timeout_ms, &response, e) < 0) {
		return -1;
	}
	add_output(b, (const unsigned char *)response.body.data, response.body.len);
	return 0;
}

struct follower {
	const struct docker_stream *stream;
	struct strbuf pending;
	bool is_open;
	bool ended_by_us;
};

static void opened(struct follower *f)
{
	if (!f->is_open) {
		f->is_open = true;
		f->stream->on_open(f->stream->ctx);
	}
}

/* Hands over each whole line. What is no JSON object is skipped: the next line is a fresh start. */
static int on_bytes(void *ctx, const char *bytes, size_t len, struct err *e)
{
	struct follower *f = ctx;
	char *newline;

	opened(f);
	strbuf_add(&f->pending, bytes, len);
	if (strbuf_check(&f->pending, "a Docker event", e) < 0) {
		return -1;
	}
	while ((newline = memchr(f->pending.data, '\n', f->pending.len))) {
		size_t line_len = (size_t)(newline - f->pending.data);
		auto_json *object = NULL;
		struct err ignored;

		if (json_parse(f->pending.data, line_len, EVENT_MAX_BYTES, &object, &ignored) ==
			    0 &&
		    json_is_object(object)) {
			f->stream->on_object(f->stream->ctx, object);
		}
		strbuf_consume(&f->pending, line_len + 1);
	}
	return 0;
}

static int on_tick(void *ctx, struct err *e)
{
	struct follower *f = ctx;

	opened(f); /* it has lasted a tick: Docker answered, but has nothing to tell yet */
	if (f->stream->keep_on(f->stream->ctx)) {
		return 0;
	}
	f->ended_by_us = true;
	return err_set(e, ERR_CANCELLED, "ended");
}

int docker_follow(struct docker_client *c, const char *path, const struct docker_stream *stream,
		  struct err *e)
{
	struct follower f = {.stream = stream};
	struct http_request request = {.method = "GET",
				       .unix_socket = c->socket_path,
				       .connect_timeout_ms = CONNECT_TIMEOUT_MS,
				       .idle_timeout_ms = STREAM_IDLE_MS,
				       .on_body = on_bytes,
				       .on_tick = on_tick,
				       .tick_ms = STREAM_TICK_MS,
				       .ctx = &f};
	auto_http_response response = {0};
	char url[PATH_BYTES];
	int rc;

	if (versioned(c, path, VERSION_TIMEOUT_MS, url, e) < 0) {
		return -1;
	}
	request.url = url;
	strbuf_init(&f.pending, EVENT_MAX_BYTES);
	rc = http_client_perform(c->http, &request, &response, e);
	strbuf_fini(&f.pending);
	if (f.ended_by_us) {
		return 0;
	}
	if (rc < 0) {
		return broken(c, e);
	}
	if (response.status >= 400) {
		return refused(&response, "GET", e);
	}
	return err_set(e, ERR_UNAVAILABLE, "Docker: the stream ended");
}

void docker_url_add(struct strbuf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-_.~", c)) {
			strbuf_addc(b, *s);
		} else {
			strbuf_addf(b, "%%%02X", c);
		}
	}
}
