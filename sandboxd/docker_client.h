#pragma once

/* The Docker Engine's HTTP API (docs.docker.com, "Engine API"): JSON calls and the event stream. */

#include "err.h"
#include "strbuf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct docker_client;

struct docker_client *docker_client_create(const char *socket_path);
void docker_client_destroy(struct docker_client *c);

/*
 * One call. `path` begins after the version ("/containers/json"). `body` may be NULL. *ret (may be
 * NULL) is the JSON answer or NULL where there is none; release it. An answer of 400 or more is an
 * error with Docker's message: 404 ERR_NOT_FOUND, 409 ERR_CONFLICT, no space ERR_NO_SPACE,
 * otherwise ERR_UPSTREAM.
 */
NODISCARD int docker_call(struct docker_client *c, const char *method, const char *path,
			  const json_t *body, int64_t timeout_ms, json_t **ret, struct err *e);

/* Appends a container's output, as much as *b takes. */
NODISCARD int docker_output(struct docker_client *c, const char *path, int64_t timeout_ms,
			    struct strbuf *b, struct err *e);

/*
 * Follows a stream of JSON objects, one on a line. 0 when keep_on (asked each second) said false;
 * ERR_UNAVAILABLE when the stream ended. on_open is called once Docker has taken the
 * call.
 */
struct docker_stream {
	void (*on_object)(void *ctx, const json_t *object);
	void (*on_open)(void *ctx);
	bool (*keep_on)(void *ctx);
	void *ctx;
};
NODISCARD int docker_follow(struct docker_client *c, const char *path,
			    const struct docker_stream *stream, struct err *e);

/* Appends s percent-encoded for a query. */
void docker_url_add(struct strbuf *b, const char *s);
