/* Several changes as one version, on a real PostgreSQL. */

#include "project_calls.h"

/* The answer to a set of changes; *ret may be NULL. */
static int change(const char *id, const char *body, json_t **ret)
{
	return CALL(ret, .handler = changes_post, .user = ann, .params = {id}, .body = body);
}

static void expect_file(const char *id, const char *path, const char *wanted)
{
	struct fake f;
	int status = call(&(struct call){.handler = file_get, .user = ann, .params = {id, path}},
			  NULL, &f);

	assert_int_equal(status, wanted ? 200 : 404);
	if (wanted) {
		assert_string_equal(fake_body(&f), wanted);
	}
	fake_fini(&f);
}

/* The paths of an array of objects or strings, joined by spaces. */
static const char *paths_of(const json_t *array)
{
	static char joined[400];
	size_t i;
	json_t *item;

	joined[0] = '\0';
	json_array_foreach((json_t *)(uintptr_t)array, i, item)
	{
		size_t n = strlen(joined);

		(void)snprintf(joined + n, sizeof(joined) - n, "%s%s", i ? " " : "",
			       json_is_string(item) ? json_string_value(item) : text(item, "path"));
	}
	return joined;
}

static void they_are_made_in_order_as_one_version(void **state)
{
	char id[UUID_TEXT_BYTES];
	auto_json *a = NULL;
	auto_json *v = NULL;

	(void)state;
	new_project(ann, "In order", id);
	assert_int_equal(put(id, "src/a.js", "a", NULL), 201);
	assert_int_equal(put(id, "src/deep/b.js", "b", NULL), 201);
	assert_int_equal(put(id, "old.txt", "old", NULL), 201);
	assert_int_equal(
		change(id,
		       "{\"changes\":[{\"op\":\"write\",\"path\":\"src/new.js\",\"content\":\"n\"},"
		       "{\"op\":\"move\",\"path\":\"src\",\"to\":\"lib/src\"},"
		       "{\"op\":\"write\",\"path\":\"lib/src/a.js\",\"content\":\"\"},"
		       "{\"op\":\"delete\",\"path\":\"old.txt\"},"
		       "{\"op\":\"write\",\"path\":\"old.txt/"
		       "now-a-directory\",\"content\":\"x\"}]}",
		       &a),
		201);
	assert_int_equal(number(a, "version"), 4);
	assert_int_equal(number(a, "parent"), 3);
	assert_string_equal(
		paths_of(json_object_get(a, "files")),
		"lib/src/a.js lib/src/deep/b.js lib/src/new.js old.txt/now-a-directory");
	assert_string_equal(text(json_array_get(json_object_get(a, "files"), 0), "etag"), "\"v4\"");
	expect_file(id, "lib/src/a.js", "");
	expect_file(id, "lib/src/deep/b.js", "b");
	expect_file(id, "src/a.js", NULL);
	expect_file(id, "old.txt/now-a-directory", "x");
	assert_int_equal(CALL(&v, .handler = version_get, .user = ann, .params = {id, "4"}), 200);
	assert_string_equal(text(v, "message"), "Add src/new.js and 4 more");
	assert_string_equal(text(v, "kind"), "edit");
}

static void what_changes_nothing_makes_no_version(void **state)
{
	char id[UUID_TEXT_BYTES];
	auto_json *a = NULL;
	auto_json *empty = NULL;

	(void)state;
	new_project(ann, "Nothing", id);
	assert_int_equal(change(id,
				"{\"changes\":[{\"op\":\"write\",\"path\":\"t\",\"content\":\"\"},"
				"{\"op\":\"delete\",\"path\":\"t\"}]}",
				&empty),
			 200);
	assert_int_equal(number(empty, "version"), 0);
	assert_true(json_is_null(json_object_get(empty, "parent")));
	assert_int_equal(put(id, "a", "1", NULL), 201);
	assert_int_equal(
		change(id,
		       "{\"changes\":[{\"op\":\"move\",\"path\":\"a\",\"to\":\"b\"},"
		       "{\"op\":\"move\",\"path\":\"b\",\"to\":\"a\"},"
		       "{\"op\":\"write\",\"path\":\"a\",\"content\":\"1\"}],\"message\":\"No\"}",
		       &a),
		200);
	assert_int_equal(number(a, "version"), 1);
	assert_int_equal(json_array_size(json_object_get(a, "files")), 0);
}

static void what_cannot_be_is_refused_whole(void **state)
{
	static const struct {
		const char *changes;
		int status;
	} rows[] = {
		{"", 400}, /* none */
		{"{\"op\":\"write\",\"path\":\"ok\",\"content\":\"1\"},"
		 "{\"op\":\"delete\",\"path\":\"missing\"}",
		 404},
		{"{\"op\":\"move\",\"path\":\"missing\",\"to\":\"x\"}", 404},
		{"{\"op\":\"move\",\"path\":\"a\",\"to\":\"d/b\"}", 409},
		{"{\"op\":\"move\",\"path\":\"a\",\"to\":\"d\"}", 409},
		{"{\"op\":\"move\",\"path\":\"a\",\"to\":\"a\"}", 409},
		{"{\"op\":\"move\",\"path\":\"d\",\"to\":\"d/e\"}", 400},
		{"{\"op\":\"move\",\"path\":\"a\",\"to\":\"a/b\"}", 400},
		{"{\"op\":\"move\",\"path\":\"d\",\"to\":\"a/d\"}", 400},
		{"{\"op\":\"move\",\"path\":\"d\",\"to\":\"../d\"}", 400},
		{"{\"op\":\"move\",\"path\":\"../a\",\"to\":\"d2\"}", 400},
		{"{\"op\":\"move\",\"path\":\"d\",\"to\":\"/etc\"}", 400},
		{"{\"op\":\"move\",\"path\":\"d\",\"to\":\"node_modules/d\"}", 422},
		{"{\"op\":\"write\",\"path\":\"node_modules/x\",\"content\":\"\"}", 422},
		{"{\"op\":\"write\",\"path\":\"d\",\"content\":\"\"}", 400},
		{"{\"op\":\"write\",\"path\":\"a/b\",\"content\":\"\"}", 400},
		{"{\"op\":\"write\",\"path\":\"a/../b\",\"content\":\"\"}", 400},
		{"{\"op\":\"write\",\"path\":\"a\\\\b\",\"content\":\"\"}", 400},
		{"{\"op\":\"write\",\"path\":\"a\\u0000b\",\"content\":\"\"}", 400},
		{"{\"op\":\"write\",\"path\":\"\",\"content\":\"\"}", 400},
		{"{\"op\":\"write\",\"path\":\"x\"}", 400},
		{"{\"op\":\"write\",\"path\":\"x\",\"content\":\"\",\"to\":\"y\"}", 400},
		{"{\"op\":\"write\",\"path\":\"x\",\"content\":null}", 400},
		{"{\"op\":\"move\",\"path\":\"a\"}", 400},
		{"{\"op\":\"move\",\"path\":\"a\",\"to\":\"b\",\"content\":\"\"}", 400},
		{"{\"op\":\"delete\",\"path\":\"a\",\"to\":\"b\"}", 400},
		{"{\"op\":\"copy\",\"path\":\"a\",\"to\":\"b\"}", 400},
		{"{\"op\":\"delete\",\"path\":\"a\",\"more\":1}", 400},
		{"{\"path\":\"a\"}", 400},
		{"null", 400},
		{"[]", 400},
	};
	char id[UUID_TEXT_BYTES], body[400];
	auto_json *project = NULL;

	(void)state;
	new_project(ann, "Refused", id);
	assert_int_equal(put(id, "a", "a", NULL), 201);
	assert_int_equal(put(id, "d/b", "b", NULL), 201);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)snprintf(body, sizeof(body), "{\"changes\":[%s]}", rows[i].changes);
		if (change(id, body, NULL) != rows[i].status) {
			fail_msg("%s is not answered with %d", body, rows[i].status);
		}
	}
	assert_int_equal(CALL(&project, .handler = project_get, .user = ann, .params = {id}), 200);
	assert_int_equal(number(project, "version"), 2);
	assert_int_equal(CALL(NULL, .handler = changes_post, .user = bob, .params = {id},
			      .body = "{\"changes\":[{\"op\":\"delete\",\"path\":\"a\"}]}"),
			 404);
}

static void what_others_changed_since_the_base_is_not_overwritten(void **state)
{
	char id[UUID_TEXT_BYTES];
	auto_json *problem = NULL;
	auto_json *fine = NULL;

	(void)state;
	new_project(ann, "Conflict", id);
	assert_int_equal(put(id, "a", "1", NULL), 201);
	assert_int_equal(put(id, "d/b", "1", NULL), 201);
	assert_int_equal(put(id, "a", "2", NULL), 200);	  /* version 3 */
	assert_int_equal(put(id, "d/c", "1", NULL), 201); /* version 4 */
	assert_int_equal(change(id,
				"{\"base_version\":2,\"changes\":[{\"op\":\"write\",\"path\":\"a\","
				"\"content\":"
				"\"mine\"},{\"op\":\"delete\",\"path\":\"d\"}]}",
				&problem),
			 412);
	assert_string_equal(paths_of(json_object_get(problem, "conflicts")), "a d/c");
	assert_int_equal(number(problem, "version"), 4);
	assert_string_equal(text(problem, "type"), "/problems/precondition-failed");
	/* What nobody else touched. */
	assert_int_equal(change(id,
				"{\"base_version\":2,\"changes\":[{\"op\":\"write\",\"path\":\"d/"
				"b\",\"content\":\"2\"}],\"message\":\"Mine\"}",
				&fine),
			 201);
	assert_int_equal(number(fine, "version"), 5);
	/* Sent again, because the answer was lost. */
	assert_int_equal(change(id,
				"{\"base_version\":2,\"changes\":[{\"op\":\"write\",\"path\":\"d/"
				"b\",\"content\":\"2\"}]}",
				NULL),
			 200);
	assert_int_equal(
		change(id,
		       "{\"base_version\":6,\"changes\":[{\"op\":\"delete\",\"path\":\"a\"}"
		       "]}",
		       NULL),
		404);
	assert_int_equal(
		change(id,
		       "{\"base_version\":0,\"changes\":[{\"op\":\"write\",\"path\":\"new\""
		       ",\"content\":\"\"}]}",
		       NULL),
		201);
}

/* Somebody deleted what was to be edited, or moved: that is a conflict, not a 404. */
static void what_others_deleted_is_a_conflict(void **state)
{
	char id[UUID_TEXT_BYTES];
	auto_json *problem = NULL;

	(void)state;
	new_project(ann, "Deleted", id);
	assert_int_equal(put(id, "a", "1", NULL), 201);
	assert_int_equal(CALL(NULL, .handler = file_delete, .user = ann, .params = {id, "a"}), 200);
	assert_int_equal(change(id,
				"{\"base_version\":1,\"changes\":[{\"op\":\"move\",\"path\":\"a\","
				"\"to\":\"b\"}]}",
				&problem),
			 412);
	assert_string_equal(paths_of(json_object_get(problem, "conflicts")), "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_made_in_order_as_one_version),
		cmocka_unit_test(what_changes_nothing_makes_no_version),
		cmocka_unit_test(what_cannot_be_is_refused_whole),
		cmocka_unit_test(what_others_changed_since_the_base_is_not_overwritten),
		cmocka_unit_test(what_others_deleted_is_a_conflict),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
