#include "http/locations.h"

#include "clock.h"
#include "config.h"
#include "http/limits.h"
#include "http/route.h"

#include <inttypes.h>
#include <string.h>

/* nginx lets a little more through than a route takes, so that the answer is ours. */
#define BODY_SLACK_BYTES   (64 * 1024)
#define TIMEOUT_SLACK_S	   10
#define UNKNOWN_BODY_BYTES (64 * 1024)

/* Not published: whoever scrapes it gets a location of its own (nginx/). */
static bool is_private(const struct route *r)
{
	return strcmp(r->pattern, "/metrics") == 0;
}

static bool seen_before(size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (strcmp(route_table[j].pattern, route_table[i].pattern) == 0) {
			return true;
		}
	}
	return false;
}

/* "/a/{id}/b.c" as the regular expression ^/a/[^/]+/b\.c$. What {x*} stands for may hold anything,
 * a line break too: the expression ends before it. */
static void write_regex(const char *pattern, FILE *out)
{
	fputs("~ ^", out);
	while (*pattern) {
		size_t len = *pattern == '{' ? strcspn(pattern, "}") : 0;

		if (len > 0 && pattern[len - 1] == '*') {
			return;
		}
		if (len > 0) {
			fputs("[^/]+", out);
			pattern += len + 1;
			continue;
		}
		if (*pattern == '.') {
			fputc('\\', out);
		}
		fputc(*pattern++, out);
	}
	fputc('$', out);
}

/* Guessing passwords is slowed down by address here, and by account in accounts/login.c. */
static bool is_login(const struct route *r)
{
	return strcmp(r->pattern, "/api/v1/auth/login") == 0;
}

/*
 * A download is taken from its worker whole, into a file, so that it holds none while its client
 * reads. That costs disk for as long: as much as a version may be, so few at once from one address.
 * (limit_conn here takes the place of the server's.)
 */
static const char download_limits[] = "\tfastcgi_max_temp_file_size 256m;\n"
				      "\tlimit_conn address 1024;\n"
				      "\tlimit_conn download 4;\n";

static const char *extra_limits(const struct route *r)
{
	if (is_login(r)) {
		return "\tlimit_req zone=login burst=200 nodelay;\n";
	}
	return r->rate == RATE_DOWNLOAD ? download_limits : "";
}

static void write_block(const struct config *config, const char *pool, size_t body_max,
			int64_t deadline_ms, FILE *out)
{
	fprintf(out,
		"\tclient_max_body_size %zu;\n"
		"\tfastcgi_read_timeout %" PRId64 "s;\n"
		"\tinclude %s/nginx/fastcgi.conf;\n"
		"\tfastcgi_pass unix:%s/fcgi/%s.sock;\n"
		"}\n",
		body_max + BODY_SLACK_BYTES, deadline_ms / 1000 + TIMEOUT_SLACK_S,
		config_str(config, CFG_STATE_DIR), config_str(config, CFG_RUN_DIR), pool);
}

static void write_location(const struct config *config, size_t i, FILE *out)
{
	const struct route *first = &route_table[i];
	size_t body_max = 0;
	int64_t deadline_ms = 0;

	for (size_t j = i; j < route_table_len; j++) {
		const struct route *r = &route_table[j];

		if (strcmp(r->pattern, first->pattern) != 0) {
			continue;
		}
		if (route_body_max(config, r) > body_max) {
			body_max = route_body_max(config, r);
		}
		if (route_deadline_ms(config, r) > deadline_ms) {
			deadline_ms = route_deadline_ms(config, r);
		}
	}
	fputs("location ", out);
	if (strchr(first->pattern, '{')) {
		write_regex(first->pattern, out);
	} else {
		fprintf(out, "= %s", first->pattern);
	}
	fprintf(out, " {\n%s", extra_limits(first));
	write_block(config, route_pool_name(first->pool), body_max, deadline_ms, out);
}

int locations_write(const struct config *config, FILE *out, struct err *e)
{
	fputs("# Made by slipway-api --nginx-locations from its route table. Do not edit.\n", out);
	for (size_t i = 0; i < route_table_len; i++) {
		if (!seen_before(i) && !is_private(&route_table[i])) {
			write_location(config, i, out);
		}
	}
	fputs("location /api/ {\n", out);
	write_block(config, route_pool_name(POOL_SHORT), UNKNOWN_BODY_BYTES, 0, out);
	if (fflush(out) != 0 || ferror(out)) {
		return err_errno(e, ERR_INTERNAL, "cannot write the locations");
	}
	return 0;
}
