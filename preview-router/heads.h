#pragma once

/* Heads as they are passed on (docs/ARCHITECTURE.md, "Previews": Heads). Never to an app: our
 * cookie and what only we may say; never from one: what concerns more than its own origin. */

#include "http_head.h"
#include "strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#define HEADS_MAX_BYTES (HTTP_HEAD_MAX_BYTES + 4096) /* of a head that was rewritten */

struct head_facts {
	uint16_t inner_port;
	const char *client_address; /* "" when not known */
	bool is_https;		    /* on the client's side */
	bool is_upgrade;	    /* a WebSocket */
	bool is_inspected;	    /* the whole page is wanted, as plain bytes */
};

/* Whether it asks for a WebSocket (RFC 6455, section 4.1). */
bool heads_is_upgrade(const struct http_head *request);

/* Adds the request's head as the app gets it. Fails only when it becomes too large. */
NODISCARD int heads_to_app(struct strbuf *out, const struct http_head *request,
			   const struct head_facts *f, struct err *e);

/* How the client will know the end of the answer. */
enum head_framing {
	FRAMED_NOT,    /* no body, or by the end of the connection */
	FRAMED_LENGTH, /* also the length that an answer without body tells */
	FRAMED_CHUNKED,
};
struct answer_facts {
	uint16_t inner_port;
	enum head_framing framing;
	bool is_upgrade;	/* 101 */
	const char *editors;	/* who may frame it, too, as CSP sources; it is not kept then. NULL:
				   passed on as it is */
	const char *connection; /* value of our Connection header, or NULL */
};

/* Adds the answer's head as the client gets it. `bytes` is where the head was parsed. */
NODISCARD int heads_to_client(struct strbuf *out, const char *bytes, const struct http_head *answer,
			      const struct answer_facts *f, struct err *e);

/* How long the app keeps the connection: a little less than its Keep-Alive ("timeout=5, max=1000")
 * says, `most_ms` at the most. */
int64_t heads_keep_ms(const struct http_head *answer, int64_t most_ms);

bool heads_is_event_stream(const struct http_head *answer);

/* Adds trailer lines that may pass, without the empty line. */
NODISCARD int heads_trailers(struct strbuf *out, const struct http_header *fields, size_t n,
			     struct err *e);
