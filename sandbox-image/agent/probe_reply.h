#pragma once

/* What a probed server answers: read with a maximum, from hands that are hostile. */

#include "http_head.h"
#include "strbuf.h"

#include <jansson.h>

#define PROBE_BODY_MAX_BYTES (64 * 1024)

struct probe_reply {
	struct strbuf head;
	struct strbuf body;
	struct http_chunked chunks;
	uint64_t body_left; /* with a Content-Length */
	int status;	    /* 0: the head is not complete */
	bool chunked, has_length;
	bool complete;
	bool truncated;
	char content_type[128];
};

void probe_reply_init(struct probe_reply *r);
void probe_reply_fini(struct probe_reply *r);

/* 1: there is all that is wanted, 0: more bytes, -1: not HTTP. */
NODISCARD int probe_reply_feed(struct probe_reply *r, const char *bytes, size_t len, struct err *e);

/* The payload of a LISTENING frame, small enough for one; NULL when out of memory. Wants a status.
 */
json_t *probe_reply_json(const struct probe_reply *r, unsigned port);
