#include "json.h"
#include "unit.h"

struct body {
	const char *code;
	int64_t timeout_ms;
	bool loud;
	json_t *tags;
};

static const char *const kinds[] = {"build", "fix", NULL};

static const struct json_field fields[] = {
	{"code", JSON_FIELD_STRING, true, false, 1, 8, offsetof(struct body, code), NULL, NULL},
	{"timeout_ms", JSON_FIELD_INT, false, true, 1, 100, offsetof(struct body, timeout_ms), NULL,
	 NULL},
	{"loud", JSON_FIELD_BOOL, false, false, 0, 0, offsetof(struct body, loud), NULL, NULL},
	{"tags", JSON_FIELD_ARRAY, false, false, 0, 2, offsetof(struct body, tags), NULL, NULL},
};
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

static int read_text(const char *text, struct body *b, struct err *e)
{
	json_t *v;
	int rc;

	if (json_parse(text, strlen(text), 1000, &v, e) < 0) {
		return -1;
	}
	rc = json_read(v, fields, N_FIELDS, b, e);
	json_decref(v);
	return rc;
}

static void a_good_body_is_read(void **state)
{
	struct body b = {.timeout_ms = 7};
	json_t *v;
	struct err e;
	const char *text = "{\"code\":\"1+1\",\"timeout_ms\":null,\"loud\":true,\"tags\":[1]}";

	(void)state;
	assert_ok(json_parse(text, strlen(text), 1000, &v, &e));
	assert_ok(json_read(v, fields, N_FIELDS, &b, &e));
	assert_string_equal(b.code, "1+1");
	assert_int_equal(b.timeout_ms, 7); /* null reads as absent: the default stays */
	assert_true(b.loud);
	assert_int_equal(json_array_size(b.tags), 1);
	json_decref(v);
}

static void bad_bodies_name_the_field(void **state)
{
	static const struct {
		const char *text;
		enum err_kind kind;
		const char *words;
	} rows[] = {
		{"{}", ERR_INVALID, "\"code\" is missing"},
		{"{\"code\":\"\"}", ERR_INVALID, "\"code\" must not be empty"},
		{"{\"code\":3}", ERR_INVALID, "\"code\" must be a string"},
		{"{\"code\":null}", ERR_INVALID, "\"code\" must be a string"},
		{"{\"code\":\"123456789\"}", ERR_TOO_LARGE, "longer than 8 bytes"},
		{"{\"code\":\"1\",\"timeout_ms\":0}", ERR_INVALID, "between 1 and 100"},
		{"{\"code\":\"1\",\"timeout_ms\":1.5}", ERR_INVALID, "whole number"},
		{"{\"code\":\"1\",\"timeout_ms\":\"5\"}", ERR_INVALID, "whole number"},
		{"{\"code\":\"1\",\"loud\":1}", ERR_INVALID, "true or false"},
		{"{\"code\":\"1\",\"tags\":[1,2,3]}", ERR_INVALID, "0 to 2 elements"},
		{"{\"code\":\"1\",\"x\":1}", ERR_INVALID, "unknown field \"x\""},
		{"[]", ERR_INVALID, "must be a JSON object"},
		{"{\"code\":\"1\",\"code\":\"2\"}", ERR_INVALID, "duplicate"},
		{"{\"code\":\"a\\u0000b\"}", ERR_INVALID, "holds a NUL character"},
		{"{\"code\":\"\xFF\"}", ERR_INVALID, "not valid JSON"},
		{"{\"code\":\"1\"} x", ERR_INVALID, "not valid JSON"},
		{"", ERR_INVALID, "not valid JSON"},
		{"{\"code\":99999999999999999999}", ERR_INVALID, "not valid JSON"},
	};
	struct body b = {0};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_err(read_text(rows[i].text, &b, &e), rows[i].kind);
		if (!strstr(e.text, rows[i].words)) {
			fail_msg("%s: \"%s\" lacks \"%s\"", rows[i].text, e.text, rows[i].words);
		}
	}
}

static void choices_are_checked(void **state)
{
	const struct json_field mode = {"mode", JSON_FIELD_STRING, true, false, 1, 10, 0, kinds,
					NULL};
	const char *got = NULL;
	json_t *v = json_pack("{s:s}", "mode", "fix");
	struct err e;

	(void)state;
	assert_ok(json_read(v, &mode, 1, &got, &e));
	assert_string_equal(got, "fix");
	json_object_set_new(v, "mode", json_string("fly"));
	assert_err(json_read(v, &mode, 1, &got, &e), ERR_INVALID);
	json_decref(v);
}

static const struct json_table body_table = {fields, N_FIELDS};
static const struct json_field bodies = {
	.name = "bodies", .type = JSON_FIELD_ARRAY, .max = 3, .objects = &body_table};

/* The array of a text such as {"bodies": […]}, into three structs. */
static int read_items(const char *text, struct body b[3], struct err *e)
{
	json_t *v, *array = NULL;
	int rc = json_parse(text, strlen(text), 1000, &v, e);

	assert_int_equal(rc, 0);
	rc = -1;
	if (json_read(v, &bodies, 1, &array, e) == 0) {
		rc = json_read_items(array, &bodies, b, sizeof(b[0]), e);
	}
	json_decref(v);
	return rc;
}

static void arrays_of_objects_are_read(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"{\"bodies\":[{\"code\":\"1\"},{}]}", "bodies[1]: \"code\" is missing"},
		{"{\"bodies\":[{\"code\":\"1\",\"x\":1}]}", "bodies[0]: unknown field \"x\""},
		{"{\"bodies\":[null]}", "bodies[0] must be an object"},
		{"{\"bodies\":[{},{},{},{}]}", "0 to 3 elements"},
	};
	struct body b[3] = {{.timeout_ms = 7}, {.timeout_ms = 8}};
	struct err e;

	(void)state;
	assert_ok(read_items("{\"bodies\":[]}", b, &e));
	assert_ok(read_items("{\"bodies\":[{\"code\":\"1\"},{\"code\":\"2\",\"timeout_ms\":9}]}", b,
			     &e));
	assert_int_equal(b[0].timeout_ms, 7);
	assert_int_equal(b[1].timeout_ms, 9);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_err(read_items(bad[i].text, b, &e), ERR_INVALID);
		assert_non_null(strstr(e.text, bad[i].words));
	}
}

static void depth_and_size_have_a_maximum(void **state)
{
	char deep[2 * JSON_DEPTH_MAX + 10] = "";
	struct err e;
	json_t *v;

	(void)state;
	for (int i = 0; i < JSON_DEPTH_MAX; i++) {
		deep[i] = '[';
		deep[2 * JSON_DEPTH_MAX - 1 - i] = ']';
	}
	assert_ok(json_parse(deep, strlen(deep), 1000, &v, &e));
	json_decref(v);
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	assert_err(json_parse(deep, strlen(deep), 1000, &v, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "deeper"));
	assert_ok(json_parse("\"[[[[\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", 42, 1000, &v, &e));
	json_decref(v);
	assert_err(json_parse("\"aaaa\"", 6, 5, &v, &e), ERR_TOO_LARGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_body_is_read),
		cmocka_unit_test(bad_bodies_name_the_field),
		cmocka_unit_test(choices_are_checked),
		cmocka_unit_test(arrays_of_objects_are_read),
		cmocka_unit_test(depth_and_size_have_a_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
