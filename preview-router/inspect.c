#include "inspect.h"

#include "assets.h"
#include "config.h"
#include "strbuf.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PLACEHOLDER "['EDITORS']"
#define ORIGIN_MAX  256
#define SCRIPT_MAX  ((size_t)64 * 1024)

static struct strbuf script, editors;

/* As browsers write it: scheme and host in lower case, the scheme's own port left out. */
static void origin_of(const char *url, char ret[ORIGIN_MAX])
{
	const char *host = strstr(url, "://");
	size_t len = host ? (size_t)(host - url) + 3 + strcspn(host + 3, "/") : 0;

	if (strncasecmp(url, "https://", 8) == 0 && len > 12 &&
	    strncmp(url + len - 4, ":443", 4) == 0) {
		len -= 4;
	} else if (strncasecmp(url, "http://", 7) == 0 && len > 10 &&
		   strncmp(url + len - 3, ":80", 3) == 0) {
		len -= 3;
	}
	(void)snprintf(ret, ORIGIN_MAX, "%.*s", (int)len, url);
	for (char *p = ret; *p != '\0'; p++) {
		*p = (char)tolower((unsigned char)*p);
	}
}

/* What could end the script's string, or begin another source, is in no origin. */
static int add_origin(struct strbuf *list, const char *url, struct err *e)
{
	char origin[ORIGIN_MAX];

	origin_of(url, origin);
	if (origin[0] == '\0' || strpbrk(origin, "'\"\\<>;, ")) {
		return err_set(e, ERR_INVALID, "SLIPWAY_PUBLIC_URL has no origin");
	}
	(void)strbuf_addf(list, "%s'%s'", list->len > 0 ? ", " : "", origin);
	/* CSP knows no IPv6 addresses. */
	if (!strchr(origin, '[')) {
		(void)strbuf_addf(&editors, "%s%s", editors.len > 0 ? " " : "", origin);
	}
	return 0;
}

/* The same as the API takes for its own (fcgi-app/http/origin.c). */
static int list_origins(const struct config *c, struct strbuf *list, struct err *e)
{
	static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]"};
	const char *public_url = config_str(c, CFG_PUBLIC_URL);

	if (public_url[0] != '\0') {
		return add_origin(list, public_url, e);
	}
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		char url[64];

		(void)snprintf(url, sizeof(url), "http://%s:%" PRId64, hosts[i],
			       config_int(c, CFG_PORT));
		if (add_origin(list, url, e) < 0) {
			return -1;
		}
	}
	return 0;
}

int inspect_init(const struct config *c, struct err *e)
{
	const struct asset *source = asset_find("inspect.js", strlen("inspect.js"));
	const char *at = source ? strstr(source->bytes, PLACEHOLDER) : NULL;
	auto_strbuf list;

	strbuf_init(&script, SCRIPT_MAX);
	strbuf_init(&editors, SCRIPT_MAX);
	strbuf_init(&list, SCRIPT_MAX);
	if (!at) {
		return err_set(e, ERR_INTERNAL, "inspect.js has no place for the editor's origins");
	}
	if (list_origins(c, &list, e) < 0) {
		return -1;
	}
	(void)strbuf_addf(&script, "%.*s[%s]%s", (int)(at - source->bytes), source->bytes,
			  list.data, at + strlen(PLACEHOLDER));
	return strbuf_check(&script, "inspect.js", e);
}

void inspect_fini(void)
{
	strbuf_fini(&script);
	strbuf_fini(&editors);
}

const struct asset *inspect_script(void)
{
	static struct asset filled;

	filled = (struct asset){.path = "inspect.js",
				.for_owner = true,
				.content_type = "text/javascript; charset=utf-8",
				.bytes = script.data,
				.len = script.len};
	return &filled;
}

const char *inspect_editors(void)
{
	return editors.data;
}
