#pragma once

/* The line that opens a connection to the relay, and its answer (docs/ARCHITECTURE.md, "The
 * relay").
 */

#include "err.h"
#include "policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GREETING_MAX_BYTES	  128
#define GREETING_ANSWER_MAX_BYTES 512

/* Its length; `buf` has GREETING_MAX_BYTES. */
size_t greeting_write(char *buf, const char *secret, uint16_t inner_port, int64_t wait_ms);

struct greeting {
	bool ok;
	uint16_t port;	  /* of the app, when ok */
	enum refusal why; /* when not */
};

/* 1 and *ret_used when the line is whole, 0 when more is needed, -1 when this is no relay. */
NODISCARD int greeting_parse(const char *bytes, size_t len, struct greeting *ret, size_t *ret_used,
			     struct err *e);
