#pragma once

/*
 * HTTP requests through libcurl; the only file that knows libcurl. Used for the model, for the
 * Docker Engine API and for agents (the latter two over unix sockets). http and https only, no
 * redirects, no proxies from the environment for unix sockets, bodies capped, and always a
 * deadline.
 */

#include "strbuf.h"

#include <stdint.h>
#include <sys/types.h>

struct http_client; /* keeps connections between requests; one thread at a time */

struct http_request {
	const char *method;	    /* "GET", "POST", … */
	const char *url;	    /* with a unix socket the host part is only the Host header */
	const char *unix_socket;    /* NULL: TCP */
	const char *const *headers; /* "Name: value" strings, NULL-terminated; or NULL */
	const void *body; /* NULL: none, or `read_body`; JSON unless `headers` say otherwise */
	size_t body_len;
	/* Streams a request body, chunked: fills buf, returns bytes, 0 at the end, -1 to abort. */
	ssize_t (*read_body)(void *ctx, char *buf, size_t cap);

	int64_t connect_timeout_ms; /* > 0 */
	int64_t total_timeout_ms;   /* > 0, or 0 for none: then idle_timeout_ms must be set */
	int64_t idle_timeout_ms;    /* longest silence of the peer; 0: none */

	/* Called once, before on_body, with the status. NULL: none. -1 aborts. */
	int (*on_status)(void *ctx, int status, struct err *e);
	/* Streams a 2xx body; NULL collects it in the response. -1 aborts with its error. */
	int (*on_body)(void *ctx, const char *bytes, size_t len, struct err *e);
	/* Called at least every tick_ms while the request lasts; -1 aborts with its error. */
	int (*on_tick)(void *ctx, struct err *e);
	int64_t tick_ms;
	void *ctx;

	size_t response_max_bytes; /* of the collected body; errors' bodies are always collected */
};

struct http_response {
	int status;
	struct strbuf body; /* collected body */
	char content_type[128];
	int64_t retry_after_s; /* Retry-After in seconds, -1: none */
	bool body_started;     /* some byte of a 2xx body arrived */
	bool callback_failed;  /* the error is a callback's own, not about the peer */
};

/* Once per process before any thread. */
NODISCARD int http_client_global_init(struct err *e);

struct http_client *http_client_create(void);
void http_client_destroy(struct http_client *c);

/*
 * 0 when an HTTP response came, of any status. -1: ERR_UNAVAILABLE (cannot connect; name the peer
 * by err_prefix), ERR_TIMEOUT, ERR_TOO_LARGE, ERR_UPSTREAM (broken off or not HTTP), or a
 * callback's own error. *ret_response is initialised in every case and wants http_response_fini.
 */
NODISCARD int http_client_perform(struct http_client *c, const struct http_request *request,
				  struct http_response *ret_response, struct err *e);

void http_response_fini(struct http_response *r);

#define auto_http_response __attribute__((cleanup(http_response_fini))) struct http_response
