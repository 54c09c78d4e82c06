/*
 * A whole request through the edge, without a database: method, target, headers and body from the
 * input, one a line. Whatever comes, one answer goes out, well-formed, and an error is
 * problem+json.
 */

#include "cleanup.h"
#include "config.h"
#include "db.h"
#include "http/edge.h"
#include "http/exchange.h"
#include "http/uri.h"
#include "json.h"
#include "log.h"
#include "scoreboard.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

#define LINES 8

static struct app app;

static const char *const names[LINES] = {
	"REQUEST_METHOD", "REQUEST_URI",	"CONTENT_TYPE",	  "HTTP_COOKIE",
	"HTTP_ORIGIN",	  "HTTP_AUTHORIZATION", "CONTENT_LENGTH", "HTTP_ACCEPT",
};

struct peer {
	char *lines[LINES];
	const char *body;
	size_t body_len;
	struct strbuf out;
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const int slots[POOL_COUNT] = {1, 1, 1, 1};
	struct config *config;
	struct err e;

	(void)argc;
	(void)argv;
	log_init("fuzz", LOG_ERROR);
	if (config_load(NULL, &config, &e) < 0 || scoreboard_create(slots, &app.board, &e) < 0) {
		abort();
	}
	app.config = config;
	app.db = db_create("host=/nonexistent user=nobody", "fuzz");
	app.release_dir = "/nonexistent";
	return 0;
}

static const char *param(void *ctx, const char *name)
{
	const struct peer *p = ctx;

	for (size_t i = 0; i < LINES; i++) {
		if (strcmp(names[i], name) == 0 && p->lines[i] && p->lines[i][0]) {
			return p->lines[i];
		}
	}
	return NULL;
}

static ssize_t read_body(void *ctx, char *buf, size_t cap)
{
	struct peer *p = ctx;
	size_t n = p->body_len < cap ? p->body_len : cap;

	memcpy(buf, p->body, n);
	p->body += n;
	p->body_len -= n;
	return (ssize_t)n;
}

static int write_out(void *ctx, const void *bytes, size_t len)
{
	struct peer *p = ctx;

	return strbuf_add(&p->out, bytes, len);
}

static int flush(void *ctx)
{
	(void)ctx;
	return 0;
}

static bool peer_gone(void *ctx)
{
	(void)ctx;
	return false;
}

static void cut(void *ctx)
{
	(void)ctx;
	abort(); /* nothing here may break off in the middle */
}

static void check(bool good)
{
	if (!good) {
		abort();
	}
}

static void check_problem(const char *body, size_t len)
{
	json_t *value = NULL;
	struct err e;

	if (len == 0) { /* HEAD */
		return;
	}
	check(json_parse(body, len, len, &value, &e) == 0);
	check(json_string_value(json_object_get(value, "request_id")) != NULL);
	check(json_string_value(json_object_get(value, "detail")) != NULL);
	json_decref(value);
}

static void check_answer(const struct strbuf *out)
{
	const char *end = strstr(out->data, "\r\n\r\n");
	int status = 0;

	check(!out->failed && end && sscanf(out->data, "Status: %d ", &status) == 1);
	check(status >= 200 && status < 600);
	for (const char *at = out->data; at < end; at++) {
		check(*at != '\0' && (*at != '\n' || at[-1] == '\r'));
	}
	if (status >= 400 && !strstr(out->data, "application/json\r\n")) {
		check_problem(end + 4, out->len - (size_t)(end + 4 - out->data));
	}
}

static void split(char *text, size_t len, struct peer *p)
{
	char *end = text + len;

	for (size_t i = 0; i < LINES && text < end; i++) {
		char *newline = memchr(text, '\n', (size_t)(end - text));

		p->lines[i] = text;
		if (!newline) {
			return;
		}
		*newline = '\0';
		text = newline + 1;
	}
	p->body = text;
	p->body_len = (size_t)(end - text);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	auto_free char *text = malloc(len + 1);
	struct peer p = {.body = ""};
	const struct transport io = {
		.param = param,
		.read = read_body,
		.write = write_out,
		.flush = flush,
		.peer_gone = peer_gone,
		.abort = cut,
		.ctx = &p,
	};
	char value[64];
	struct err e;

	memcpy(text, bytes, len);
	text[len] = '\0';
	split(text, len, &p);
	if (p.lines[1] && uri_query_get(p.lines[1], "cursor", value, sizeof(value), &e) == 1) {
		check(strlen(value) < sizeof(value));
	}
	strbuf_init(&p.out, 1 << 20);
	/* A worker of each pool, because a route answers in its own only. */
	app.slot = (int)(len % (size_t)scoreboard_workers(app.board));
	scoreboard_started(app.board, app.slot, 1);
	edge_serve(&app, &io);
	check_answer(&p.out);
	strbuf_fini(&p.out);
	return 0;
}
