#pragma once

/*
 * What lies behind struct request and struct response: the edge's own view. A transport is FastCGI
 * in a worker (worker.c) and plain memory in unit tests.
 */

#include "http/request.h"
#include "http/response.h"
#include "strbuf.h"

#include <sys/types.h>

struct transport {
	const char *(*param)(void *ctx, const char *name);	/* CGI variable, or NULL */
	ssize_t (*read)(void *ctx, char *buf, size_t cap);	/* 0: end, -1: broken off */
	int (*write)(void *ctx, const void *bytes, size_t len); /* -1: peer gone */
	int (*flush)(void *ctx);
	bool (*peer_gone)(void *ctx);
	void (*abort)(void *ctx); /* makes the peer see a broken answer */
	void *ctx;
};

struct response {
	const struct transport *io;
	struct strbuf headers; /* extra ones, with CRLF */
	bool head_only;	       /* HEAD: no body goes out */
	bool started, streaming, gone;
	int status; /* what was sent */
	uint64_t body_bytes;
};

#define RESPONSE_HEADERS_MAX_BYTES 8192

void response_init(struct response *rs, const struct transport *io, bool head_only);
void response_fini(struct response *rs);
