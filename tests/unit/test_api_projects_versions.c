/* Versions: made, read, restored, compared, and their limits, on a real PostgreSQL. */

#include "project_calls.h"
#include "projects/versions.h"

static void restore_makes_a_version(void **state)
{
	char id[UUID_TEXT_BYTES];
	auto_json *ok0 = NULL;
	auto_json *ok1 = NULL;
	auto_json *ok2 = NULL;
	auto_json *restored = NULL;
	auto_json *list = NULL;
	auto_json *read = NULL;

	(void)state;
	new_project(ann, "restore", id);
	assert_int_equal(put(id, "a", "1", &ok0), 201);
	assert_int_equal(put(id, "a", "2", &ok1), 200);
	assert_int_equal(put(id, "b", "3", &ok2), 201);
	assert_int_equal(
		CALL(&restored, .handler = version_restore, .user = ann, .params = {id, "1"}), 201);
	assert_int_equal(number(restored, "n"), 4);
	assert_int_equal(number(restored, "parent"), 3);
	assert_int_equal(number(restored, "restored_from"), 1);
	assert_int_equal(number(restored, "file_count"), 1);
	assert_string_equal(text(json_array_get(json_object_get(restored, "files"), 0), "etag"),
			    "\"v1\"");
	assert_int_equal(CALL(NULL, .handler = version_restore, .user = ann, .params = {id, "9"}),
			 404);
	assert_int_equal(CALL(NULL, .handler = version_restore, .user = ann, .params = {id, "0"}),
			 404);
	assert_int_equal(CALL(NULL, .handler = version_get, .user = ann, .params = {id, "1x"}),
			 404);
	assert_int_equal(CALL(&read, .handler = version_get, .user = ann, .params = {id, "3"}),
			 200);
	assert_int_equal(json_array_size(json_object_get(read, "files")), 2);
	assert_int_equal(CALL(&list, .handler = versions_list, .user = ann, .params = {id}), 200);
	assert_int_equal(json_array_size(json_object_get(list, "items")), 4);
	assert_int_equal(number(json_array_get(json_object_get(list, "items"), 0), "n"), 4);
}

static void differences_between_versions(void **state)
{
	char id[UUID_TEXT_BYTES];
	auto_json *ok0 = NULL;
	auto_json *ok1 = NULL;
	auto_json *ok2 = NULL;
	auto_json *ok3 = NULL;
	auto_json *diff = NULL;
	auto_json *all = NULL;
	auto_json *none = NULL;
	json_t *files;

	(void)state;
	new_project(ann, "diff", id);
	assert_int_equal(
		CALL(&none, .handler = version_diff, .user = ann, .params = {id, "0", "0"}), 200);
	assert_int_equal(json_array_size(json_object_get(none, "files")), 0);
	assert_int_equal(put(id, "a", "1\n", &ok0), 201);
	assert_int_equal(put(id, "a", "2\n", &ok1), 200);
	assert_int_equal(put(id, "b", "new\n", &ok2), 201);
	assert_int_equal(CALL(&ok3, .handler = file_put, .user = ann, .params = {id, "c.bin"},
			      .bytes = "\0\1", .len = 2),
			 201);
	assert_int_equal(
		CALL(&diff, .handler = version_diff, .user = ann, .params = {id, "1", "4"}), 200);
	files = json_object_get(diff, "files");
	assert_int_equal(json_array_size(files), 3);
	assert_string_equal(text(json_array_get(files, 0), "diff"),
			    "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n");
	assert_string_equal(text(json_array_get(files, 1), "diff"),
			    "--- /dev/null\n+++ b/b\n@@ -0,0 +1 @@\n+new\n");
	assert_string_equal(text(json_array_get(files, 1), "status"), "added");
	assert_true(json_is_true(json_object_get(json_array_get(files, 2), "binary")));
	assert_true(json_is_null(json_object_get(json_array_get(files, 2), "diff")));
	/* 0 is the project before it had files, from either side. */
	assert_int_equal(CALL(&all, .handler = version_diff, .user = ann, .params = {id, "4", "0"}),
			 200);
	files = json_object_get(all, "files");
	assert_int_equal(json_array_size(files), 3);
	assert_string_equal(text(json_array_get(files, 0), "status"), "removed");
	assert_string_equal(text(json_array_get(files, 0), "diff"),
			    "--- a/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-2\n");
	assert_int_equal(CALL(NULL, .handler = version_diff, .user = ann, .params = {id, "0", "5"}),
			 404);
}

static void limits_of_a_version(void **state)
{
	static struct file_change changes[VERSION_FILES_MAX + 1];
	static char names[VERSION_FILES_MAX + 1][12];
	struct version_meta meta = {.kind = "edit", .author_id = ann, .message = ""};
	char id[UUID_TEXT_BYTES];
	struct err e;
	int64_t n;

	(void)state;
	new_project(ann, "limits", id);
	for (size_t i = 0; i <= VERSION_FILES_MAX; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "f%zu", i);
		changes[i] = (struct file_change){
			.path = names[i], .bytes = "x", .len = 1, .mode = 0644};
	}
	assert_err(version_create(&app, id, -1, changes, VERSION_FILES_MAX + 1, &meta, &n, &e),
		   ERR_TOO_LARGE);
	assert_ok(version_create(&app, id, 0, changes, VERSION_FILES_MAX, &meta, &n, &e));
	assert_int_equal(n, 1);
	assert_err(version_create(&app, id, 0, changes, 1, &meta, &n, &e), ERR_CONFLICT);
	assert_err(version_create(&app, "00000000-0000-4000-8000-000000000000", -1, changes, 1,
				  &meta, &n, &e),
		   ERR_NOT_FOUND);
}

static void packages_are_never_stored(void **state)
{
	static const char *const refused[] = {"node_modules", "node_modules/x/index.js",
					      "app/node_modules/x.js", "app/node_modules"};
	struct version_meta meta = {.kind = "edit", .author_id = ann, .message = ""};
	struct file_change change = {.len = 1, .mode = 0644};
	char id[UUID_TEXT_BYTES];
	struct err e;
	int64_t n;

	(void)state;
	new_project(ann, "packages", id);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		change.path = refused[i];
		change.bytes = "x";
		assert_err(version_create(&app, id, -1, &change, 1, &meta, &n, &e),
			   ERR_UNPROCESSABLE);
		change.bytes = NULL; /* a version made before may hold it */
		assert_ok(version_create(&app, id, -1, &change, 1, &meta, &n, &e));
	}
	change.path = "my_node_modules/node_modules.js";
	change.bytes = "x";
	assert_ok(version_create(&app, id, -1, &change, 1, &meta, &n, &e));
}

static void quota_counts_logical_size(void **state)
{
	static char big[FILE_MAX_BYTES];
	struct file_change changes[21];
	char names[21][8];
	struct version_meta meta = {.kind = "edit", .author_id = ann, .message = ""};
	char id[UUID_TEXT_BYTES];
	struct err e;
	int64_t n;

	(void)state;
	new_project(ann, "quota", id);
	for (size_t i = 0; i < 21; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "f%zu", i);
		changes[i] = (struct file_change){
			.path = names[i], .bytes = big, .len = sizeof(big), .mode = 0644};
	}
	assert_err(version_create(&app, id, -1, changes, 21, &meta, &n, &e), ERR_TOO_LARGE);
	assert_ok(version_create(&app, id, -1, changes, 20, &meta, &n, &e));
}

struct seen {
	size_t n;
	char last[64];
};

static int see(void *ctx, const struct version_file *f, struct err *e)
{
	struct seen *s = ctx;

	(void)e;
	assert_true(strcmp(s->last, f->path) < 0); /* bytewise order */
	(void)snprintf(s->last, sizeof(s->last), "%s", f->path);
	assert_int_equal(f->size, strlen(f->path));
	assert_memory_equal(f->bytes, f->path, (size_t)f->size);
	s->n++;
	return 0;
}

static void each_file_of_a_version(void **state)
{
	static const char *const paths[] = {"B", "a", "a-b", "a/b", "\xc3\xa4", "Z/z"};
	struct file_change changes[6];
	struct version_meta meta = {.kind = "edit", .author_id = ann, .message = ""};
	struct seen seen = {0};
	char id[UUID_TEXT_BYTES];
	struct err e;
	int64_t n;

	(void)state;
	new_project(ann, "each", id);
	for (size_t i = 0; i < 6; i++) {
		const char *path = i == 1 ? "c" : paths[i];

		changes[i] = (struct file_change){
			.path = path, .bytes = path, .len = strlen(path), .mode = 0755};
	}
	assert_ok(version_create(&app, id, -1, changes, 6, &meta, &n, &e));
	assert_ok(version_each(&app, id, n, true, see, &seen, &e));
	assert_int_equal(seen.n, 6);
	assert_ok(version_each(&app, id, 99, true, see, &seen, &e));
	assert_int_equal(seen.n, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(restore_makes_a_version),
		cmocka_unit_test(differences_between_versions),
		cmocka_unit_test(limits_of_a_version),
		cmocka_unit_test(packages_are_never_stored),
		cmocka_unit_test(quota_counts_logical_size),
		cmocka_unit_test(each_file_of_a_version),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
