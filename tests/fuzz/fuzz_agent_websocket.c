/* WebSocket frames of a client: bounded, and the same messages however the bytes are split. */

#include "utf8.h"
#include "websocket.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static uint64_t mix(uint64_t sum, const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum = (sum ^ bytes[i]) * 1099511628211u;
	}
	return (sum ^ len) * 1099511628211u;
}

static void check(const struct ws_message *m)
{
	bool control = m->type >= WS_CLOSE;

	must(m->len <= (control ? WS_CONTROL_MAX_BYTES : WS_MESSAGE_MAX_BYTES));
	must(m->type != WS_CONTINUATION);
	must(m->type != WS_TEXT || utf8_valid((const char *)m->bytes, m->len));
	must(m->type != WS_CLOSE || m->len != 1);
}

/* A sum over all messages and the end, read in pieces of `step`. */
static uint64_t read_all(const unsigned char *bytes, size_t len, size_t step)
{
	struct websocket ws;
	struct ws_message m;
	uint64_t sum = 1469598103934665603u;
	unsigned code = 0;
	size_t used;
	int rc = 0;

	ws_init(&ws);
	for (size_t at = 0; at < len && rc >= 0; at += used) {
		size_t give = len - at < step ? len - at : step;

		rc = ws_next(&ws, bytes + at, give, &used, &m, &code);
		if (rc < 0) {
			must(code >= 1000 && code <= 1014 && code != WS_CLOSE_NONE);
			break;
		}
		must(used <= give && (rc == 1 || used == give) && used > 0);
		if (rc == 1) {
			check(&m);
			sum = mix(sum ^ m.type ^ m.close_code, m.bytes, m.len);
		}
	}
	ws_fini(&ws);
	return rc < 0 ? sum ^ code : sum;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	uint64_t whole = read_all(bytes, len, len ? len : 1);

	must(read_all(bytes, len, 1) == whole);
	must(read_all(bytes, len, 7) == whole);
	return 0;
}
