/* What a stranger's workspace and app give the agent to read: package.json, yarn.lock, output. */

#include "app_error.h"
#include "log_lines.h"
#include "manifest.h"
#include "utf8.h"
#include "yarn_lock.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

static void must(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_manifest(const char *in, size_t len)
{
	struct manifest m = {0};
	struct err e;

	if (manifest_parse(in, len, &m, &e) < 0) {
		return;
	}
	must(m.main[0] == '\0' || path_check(m.main, strlen(m.main), &e) == 0);
	must(strlen(m.manager) < sizeof(m.manager));
}

static void check_line(void *ctx, const char *text, size_t len)
{
	must(len <= LOG_LINE_MAX_BYTES && utf8_valid(text, len) && text[len] != '\x1b');
	must(!memchr(text, '\x1b', len) && !memchr(text, '\n', len) && !memchr(text, '\0', len));
	app_log_add(ctx, APP_LOG_STDERR, APP_LOG_APP, text, len);
}

static void check_output(const char *in, size_t len)
{
	struct strbuf error;
	struct app_log log;
	struct log_lines l;

	app_log_init(&log);
	log_lines_init(&l);
	log_lines_feed(&l, in, len / 2, check_line, &log);
	log_lines_feed(&l, in + len / 2, len - len / 2, check_line, &log);
	log_lines_flush(&l, check_line, &log);
	log_lines_fini(&l);
	strbuf_init(&error, 2 * APP_ERROR_MAX_BYTES);
	app_error_find(&log, APP_LOG_APP, 0, &error);
	must(!error.failed && utf8_valid(error.data, error.len));
	strbuf_fini(&error);
	app_log_fini(&log);
}

/* Pointed at a registry and back is what it was, when all pointed at one. */
static void check_lock(const char *in, size_t len)
{
	static const char cache[] = "http://10.0.0.1:4873/";
	char origin[YARN_LOCK_ORIGIN_MAX_BYTES], again[YARN_LOCK_ORIGIN_MAX_BYTES];
	char *text = strndup(in, len);
	struct strbuf there;

	must(text != NULL);
	strbuf_init(&there, 1 << 24);
	if (yarn_lock_rewrite(text, cache, &there, origin) && !there.failed) {
		struct strbuf back;

		must(strlen(origin) > 8 && origin[strlen(origin) - 1] == '/');
		strbuf_init(&back, 1 << 24);
		must(yarn_lock_rewrite(there.data, cache, &back, again) == 0);
		must(strcmp(there.data, back.data) == 0);
		strbuf_fini(&back);
	}
	strbuf_fini(&there);
	free(text);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
	check_manifest((const char *)bytes, len);
	check_output((const char *)bytes, len);
	check_lock((const char *)bytes, len);
	return 0;
}
