#include "previews/way_in.h"

#include "config.h"
#include "db.h"
#include "http/request.h"
#include "http/response.h"
#include "previews/preview_url.h"
#include "strbuf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOCATION_MAX_BYTES (PREVIEW_PATH_MAX * 3 + PREVIEW_PART_BYTES * 2)

int way_in_label(struct app *app, const struct request *rq, struct preview_label *ret,
		 struct err *e)
{
	const char *host = request_header(rq, "Host");

	if (!host || !preview_host_parse(app->config, host, ret)) {
		return err_set(e, ERR_NOT_FOUND, "there is no preview at this address");
	}
	return 0;
}

int way_in_key(struct app *app, unsigned char ret_key[GRANT_KEY_BYTES], struct err *e)
{
	auto_db_result r = NULL;
	const void *bytes;
	size_t len;

	if (db_query(app->db, "SELECT preview_key FROM installation", DB_NO_ARGS, &r, e) < 0) {
		return -1;
	}
	if (db_rows(r) != 1 || db_get_bytes(r, 0, 0, &bytes, &len, e) < 0 ||
	    len != GRANT_KEY_BYTES) {
		return err_set(e, ERR_INTERNAL, "the installation has no preview key");
	}
	memcpy(ret_key, bytes, GRANT_KEY_BYTES);
	return 0;
}

int way_in_redirect(struct response *rs, const char *before, const char *path, struct err *e)
{
	auto_strbuf location;

	strbuf_init(&location, LOCATION_MAX_BYTES);
	strbuf_adds(&location, before);
	for (const char *at = path; *at; at++) {
		unsigned char c = (unsigned char)*at;

		if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}", c)) {
			strbuf_addf(&location, "%%%02X", c);
		} else {
			strbuf_addc(&location, *at);
		}
	}
	if (strbuf_check(&location, "the address", e) < 0) {
		return -1;
	}
	response_header(rs, "Location", location.data);
	response_header(rs, "Referrer-Policy", "no-referrer");
	return response_empty(rs, 303, e);
}

int way_in_open(struct app *app, struct response *rs, struct grant *g, int64_t seconds,
		const char *path, struct err *e)
{
	unsigned char key[GRANT_KEY_BYTES];
	char text[GRANT_TEXT_BYTES], cookie[GRANT_TEXT_BYTES + 160];

	g->expires_s = (int64_t)time(NULL) + seconds;
	if (way_in_key(app, key, e) < 0 || grant_seal(key, g, text, e) < 0) {
		return -1;
	}
	/* Secure is right on plain http, too: browsers take it at localhost, and in a frame nothing
	 * else would be taken. */
	(void)snprintf(cookie, sizeof(cookie),
		       GRANT_COOKIE "=%s; Path=/; Max-Age=%" PRId64
				    "; Secure; HttpOnly; SameSite=None; Partitioned",
		       text, seconds);
	response_header(rs, "Set-Cookie", cookie);
	return way_in_redirect(rs, "", path, e);
}

bool way_in_framed(const struct request *rq)
{
	const char *dest = request_header(rq, "Sec-Fetch-Dest");

	return dest && (strcmp(dest, "iframe") == 0 || strcmp(dest, "frame") == 0);
}
