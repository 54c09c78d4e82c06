/* The relay's first line: no byte outside the input is read, and what is accepted is what it says
 * when it is written out again. */

#include "relay_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	char again[RELAY_LINE_MAX_BYTES * 2];
	struct relay_request rq;
	char *in = malloc(len ? len : 1); /* exactly as long, for ASan */
	int n;

	memcpy(in, bytes, len);
	if (relay_line_parse(in, len, SECRET, &rq) == RELAY_LINE_OK) {
		must(len < RELAY_LINE_MAX_BYTES && rq.wait_ms >= 0 &&
		     rq.wait_ms <= RELAY_WAIT_MAX_MS);
		n = rq.status ? snprintf(again, sizeof(again), "SLW1 " SECRET " status 0")
			      : snprintf(again, sizeof(again), "SLW1 " SECRET " %u %d", rq.port,
					 rq.wait_ms);
		must((size_t)n == len && memcmp(again, in, len) == 0);
	}
	free(in);
	return 0;
}
