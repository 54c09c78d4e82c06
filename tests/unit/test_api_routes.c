/* The route table, and what is made of it: openapi.json and nginx's locations. */

#include "cleanup.h"
#include "config.h"
#include "http/limits.h"
#include "http/locations.h"
#include "ops/handlers.h"
#include "unit.h"

#include <ctype.h>
#include <regex.h>

static size_t count_of(char c, const char *text)
{
	size_t n = 0;

	for (; *text; text++) {
		n += *text == c;
	}
	return n;
}

static size_t count_params(const char *pattern)
{
	return count_of('{', pattern);
}

static void rows_are_whole(void **state)
{
	(void)state;
	assert_true(route_table_len > 30);
	for (size_t i = 0; i < route_table_len; i++) {
		const struct route *r = &route_table[i];

		assert_non_null(r->handler);
		assert_true(strlen(r->summary) > 4);
		assert_in_range(r->pool, 0, POOL_COUNT - 1);
		assert_true(r->deadline_ms > 0);
		/* a WebSocket, an answer, an address to go on to */
		assert_true(r->status == 101 || (r->status >= 200 && r->status <= 299) ||
			    r->status == 303);
		assert_true(count_params(r->pattern) <= REQUEST_PARAMS_MAX);
		assert_true(r->body == NULL || r->body_max_bytes > 0);
		assert_true(strcmp(r->method, "GET") != 0 || r->body_max_bytes == 0);
		assert_true(r->rate == RATE_NONE || r->auth != AUTH_NONE);
		for (size_t j = 0; j < r->n_body; j++) {
			assert_non_null(r->body[j].name);
		}
	}
}

/* nginx chooses the pool by path; limits of a class are counted within one pool. */
static void rows_of_a_path_or_class_share_a_pool(void **state)
{
	(void)state;
	for (size_t i = 0; i < route_table_len; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct route *a = &route_table[i], *b = &route_table[j];
			bool same = strcmp(a->pattern, b->pattern) == 0;

			assert_true(!same || a->pool == b->pool);
			assert_true(!same || strcmp(a->method, b->method) != 0);
			assert_true(a->rate == RATE_NONE || a->rate != b->rate ||
				    a->pool == b->pool);
		}
	}
}

static void only_these_need_no_sign_in(void **state)
{
	static const char *const open[] = {"/api/v1/auth/login", "/api/v1/openapi.json", "/healthz",
					   "/readyz", "/metrics"};

	(void)state;
	for (size_t i = 0; i < route_table_len; i++) {
		bool listed = false;

		for (size_t j = 0; j < ARRAY_LEN(open); j++) {
			listed = listed || strcmp(open[j], route_table[i].pattern) == 0;
		}
		assert_int_equal(listed, route_table[i].auth == AUTH_NONE);
	}
}

static void without_stars(const char *pattern, char *buf)
{
	for (; *pattern; pattern++) {
		if (*pattern != '*') {
			*buf++ = *pattern;
		}
	}
	*buf = '\0';
}

static void openapi_has_every_row(void **state)
{
	auto_json *doc = openapi_document();
	auto_json *ids = json_object();

	(void)state;
	assert_non_null(doc);
	for (size_t i = 0; i < route_table_len; i++) {
		const struct route *r = &route_table[i];
		char path[200], method[16] = "";
		json_t *op;
		const char *id;

		without_stars(r->pattern, path);
		for (size_t c = 0; r->method[c]; c++) {
			method[c] = (char)tolower((unsigned char)r->method[c]);
		}
		op = json_object_get(json_object_get(json_object_get(doc, "paths"), path), method);
		assert_non_null(op);
		id = json_string_value(json_object_get(op, "operationId"));
		assert_non_null(id);
		assert_null(json_object_get(ids, id));
		json_object_set_new(ids, id, json_true());
		assert_int_equal(json_array_size(json_object_get(op, "parameters")),
				 count_params(r->pattern) + (r->paged ? 2 : 0) +
					 count_of(':', r->extras ? r->extras : ""));
		assert_int_equal(!!json_object_get(op, "requestBody"),
				 r->body || strcmp(r->method, "PUT") == 0);
		assert_int_equal(!!json_object_get(op, "security"), r->auth == AUTH_NONE);
	}
}

static void openapi_shows_arrays_of_objects(void **state)
{
	auto_json *doc = openapi_document();
	json_t *body = NULL, *item = NULL;

	(void)state;
	assert_int_equal(json_unpack(doc, "{s:{s:{s:{s:{s:{s:{s:o}}}}}}}", "paths",
				     "/api/v1/projects/{id}/changes", "post", "requestBody",
				     "content", "application/json", "schema", &body),
			 0);
	assert_int_equal(
		json_unpack(body, "{s:{s:{s:o}}}", "properties", "changes", "items", &item), 0);
	assert_true(json_is_false(json_object_get(item, "additionalProperties")));
	assert_int_equal(json_array_size(json_object_get(item, "required")), 2);
	assert_int_equal(json_object_size(json_object_get(item, "properties")), 4);
}

static char *print_locations(void)
{
	struct config *config;
	struct err e;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_ok(config_load(NULL, &config, &e));
	assert_ok(locations_write(config, out, &e));
	fclose(out);
	config_destroy(config);
	return text;
}

/* The pool of the first location that nginx would take: an exact one, else a regular expression. */
static void pool_of(const char *text, const char *path, char *ret, size_t cap)
{
	ret[0] = '\0';
	for (const char *at = strstr(text, "location "); at; at = strstr(at + 1, "location ")) {
		char how[8], what[300], pool[16];
		const char *pass = strstr(at, "/fcgi/");
		bool matches;

		assert_int_equal(sscanf(at, "location %7s %299s", how, what), 2);
		assert_int_equal(sscanf(pass, "/fcgi/%15[a-z]", pool), 1);
		if (strcmp(how, "~") == 0) {
			regex_t re;

			assert_int_equal(regcomp(&re, what, REG_EXTENDED | REG_NOSUB), 0);
			matches = regexec(&re, path, 0, NULL, 0) == 0;
			regfree(&re);
		} else {
			matches = strcmp(how, "=") == 0 && strcmp(what, path) == 0;
		}
		if (matches) {
			(void)snprintf(ret, cap, "%s", pool);
			return;
		}
	}
}

static void example_path(const char *pattern, char *buf)
{
	while (*pattern) {
		if (*pattern == '{') {
			pattern += strcspn(pattern, "}") + 1;
			*buf++ = 'x';
		} else {
			*buf++ = *pattern++;
		}
	}
	*buf = '\0';
}

static void locations_lead_to_the_rows_pool(void **state)
{
	auto_free char *text = print_locations();
	char path[200], pool[16];

	(void)state;
	for (size_t i = 0; i < route_table_len; i++) {
		example_path(route_table[i].pattern, path);
		pool_of(text, path, pool, sizeof(pool));
		assert_string_equal(pool, strcmp(path, "/metrics") == 0
						  ? ""
						  : route_pool_name(route_table[i].pool));
	}
	pool_of(text, "/api/v1/projects/x/files/generate/a\nb", pool, sizeof(pool));
	assert_string_equal(pool, "short");
	assert_non_null(strstr(text, "location /api/ {"));
}

static void limits_follow_the_configuration(void **state)
{
	const struct route run = {.rate = RATE_RUN, .body_max_bytes = 1, .deadline_ms = 1000};
	const struct route plain = {.rate = RATE_NONE, .body_max_bytes = 7, .deadline_ms = 1000};
	struct config *config;
	struct err e;

	(void)state;
	setenv("SLIPWAY_CODE_MAX_BYTES", "2048", 1);
	setenv("SLIPWAY_RUN_TIMEOUT_MS", "500", 1);
	setenv("SLIPWAY_RUN_QUEUE", "3", 1);
	setenv("SLIPWAY_USER_RUNS_MAX", "9", 1);
	assert_ok(config_load(NULL, &config, &e));
	assert_true(route_body_max(config, &run) >= (2048 + 1024 * 1024) * 3);
	assert_int_equal(route_body_max(config, &plain), 7);
	assert_true(route_deadline_ms(config, &run) >= 1000 + 4 * 500);
	assert_int_equal(route_deadline_ms(config, &plain), 1000);
	assert_int_equal(rate_class_max(config, RATE_RUN), 9);
	config_destroy(config);
}

static void only_large_uploads_count(void **state)
{
	(void)state;
	assert_false(rate_class_counts(RATE_UPLOAD, -1));
	assert_false(rate_class_counts(RATE_UPLOAD, 0));
	assert_false(rate_class_counts(RATE_UPLOAD, 1024 * 1024));
	assert_true(rate_class_counts(RATE_UPLOAD, 1024 * 1024 + 1));
	assert_true(rate_class_counts(RATE_RUN, 0));
	assert_true(rate_class_counts(RATE_GENERATION, 0));
	assert_false(rate_class_counts(RATE_NONE, 1 << 30));
	assert_int_equal(rate_class_max(NULL, RATE_UPLOAD), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(rows_of_a_path_or_class_share_a_pool),
		cmocka_unit_test(only_these_need_no_sign_in),
		cmocka_unit_test(openapi_has_every_row),
		cmocka_unit_test(openapi_shows_arrays_of_objects),
		cmocka_unit_test(locations_lead_to_the_rows_pool),
		cmocka_unit_test(limits_follow_the_configuration),
		cmocka_unit_test(only_large_uploads_count),
	};

	return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
