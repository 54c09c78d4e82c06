/* What a server in a sandbox answers the probe: bounded, always a frame's worth of valid JSON, and
 * the same however the bytes are split. Also stat lines and /proc/net/tcp, whose names are chosen
 * inside. */

#include "frame.h"
#include "listeners.h"
#include "probe_reply.h"
#include "proc_table.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

/* The JSON of what was read, or NULL when it was no HTTP; *ret_n is the parser's last word. */
static char *read_reply(const char *in, size_t len, size_t step, int *ret_n)
{
	struct probe_reply r;
	struct err e;
	json_t *object;
	char *text = NULL;
	int n = 0;

	probe_reply_init(&r);
	for (size_t at = 0; n == 0 && at < len; at += step) {
		n = probe_reply_feed(&r, in + at, len - at < step ? len - at : step, &e);
	}
	must(r.body.len <= PROBE_BODY_MAX_BYTES);
	if (n >= 0 && r.status != 0) {
		object = probe_reply_json(&r, 3000);
		text = json_dumps(object, JSON_COMPACT);
		must(text && strlen(text) <= FRAME_PAYLOAD_MAX);
		json_decref(object);
	}
	probe_reply_fini(&r);
	*ret_n = n;
	return text;
}

static void check_proc(const char *text)
{
	struct listener l[4];
	struct proc_entry p;

	must(listeners_parse(text, false, l, 4) <= 4);
	must(listeners_parse(text, true, l, 4) <= 4);
	(void)proc_stat_parse(text, &p);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	const char *in = (const char *)bytes;
	char *whole, *split, *text = malloc(len + 1);
	int n_whole, n_split;

	whole = read_reply(in, len, len ? len : 1, &n_whole);
	split = read_reply(in, len, 1, &n_split);
	must(n_whole == n_split && (whole != NULL) == (split != NULL));
	must(!whole || strcmp(whole, split) == 0);
	free(whole);
	free(split);
	memcpy(text, in, len);
	text[len] = '\0';
	check_proc(text);
	free(text);
	return 0;
}
