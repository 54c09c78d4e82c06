#pragma once

/* A request made by hand and the answer it got, in memory: handlers without FastCGI. */

#include "clock.h"
#include "http/exchange.h"
#include "http/problem.h"
#include "json.h"
#include "unit.h"

#include <stdatomic.h>

struct fake {
	struct transport io;
	struct request rq;
	struct response rs;
	struct strbuf out;	   /* head and body as sent */
	const char *headers[8][2]; /* CGI names and values */
	size_t n_headers;
	atomic_bool gone;
};

static inline const char *fake_param(void *ctx, const char *name)
{
	const struct fake *f = ctx;

	for (size_t i = 0; i < f->n_headers; i++) {
		if (strcmp(f->headers[i][0], name) == 0) {
			return f->headers[i][1];
		}
	}
	return NULL;
}

static inline ssize_t fake_read(void *ctx, char *buf, size_t cap)
{
	(void)ctx, (void)buf, (void)cap;
	return 0;
}

static inline int fake_write(void *ctx, const void *bytes, size_t len)
{
	struct fake *f = ctx;

	return f->gone ? -1 : strbuf_add(&f->out, bytes, len);
}

static inline int fake_flush(void *ctx)
{
	struct fake *f = ctx;

	return f->gone ? -1 : 0;
}

static inline bool fake_peer_gone(void *ctx)
{
	struct fake *f = ctx;

	return f->gone;
}

static inline void fake_abort(void *ctx)
{
	(void)ctx;
}

static inline void fake_header(struct fake *f, const char *cgi_name, const char *value)
{
	assert_true(f->n_headers < 8);
	f->headers[f->n_headers][0] = cgi_name;
	f->headers[f->n_headers++][1] = value;
}

/* `body` NULL: none; otherwise JSON. */
static inline void fake_init(struct fake *f, const char *user_id, const char *body)
{
	memset(f, 0, sizeof(*f));
	f->io = (struct transport){.param = fake_param,
				   .read = fake_read,
				   .write = fake_write,
				   .flush = fake_flush,
				   .peer_gone = fake_peer_gone,
				   .abort = fake_abort,
				   .ctx = f};
	strbuf_init(&f->out, 64 << 20);
	response_init(&f->rs, &f->io, false);
	f->rq = (struct request){.method = "GET",
				 .path = "/",
				 .query = "",
				 .remote_addr = "127.0.0.1",
				 .body = body ? body : "",
				 .body_len = body ? strlen(body) : 0,
				 .deadline_ms = clock_mono_ms() + 30000,
				 .edge = &f->io};
	uuid_new(f->rq.id);
	(void)snprintf(f->rq.user.id, sizeof(f->rq.user.id), "%s", user_id ? user_id : "");
	if (body) {
		fake_header(f, "CONTENT_TYPE", "application/json");
	}
}

static inline void fake_fini(struct fake *f)
{
	response_fini(&f->rs);
	strbuf_fini(&f->out);
}

static inline const char *fake_body(const struct fake *f)
{
	const char *end = strstr(f->out.data, "\r\n\r\n");

	return end ? end + 4 : "";
}

/* The body as JSON, a new reference. */
static inline json_t *fake_json(const struct fake *f)
{
	const char *body = fake_body(f);
	json_t *value = NULL;
	struct err e;

	assert_ok(json_parse(body, strlen(body), 64 << 20, &value, &e));
	return value;
}
