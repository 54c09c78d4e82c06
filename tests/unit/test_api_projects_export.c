/* A version as an archive, through its handler, on a real PostgreSQL. */

#include "project_calls.h"
#include "projects/versions.h"

#include <archive.h>
#include <archive_entry.h>

static int export_to(struct fake *f, const char *user, const char *id, const char *query)
{
	return call(
		&(struct call){
			.handler = project_export, .user = user, .params = {id}, .query = query},
		NULL, f);
}

static int export_status(const char *user, const char *id, const char *query)
{
	struct fake f;
	int status = export_to(&f, user, id, query);

	fake_fini(&f);
	return status;
}

static size_t body_len(const struct fake *f)
{
	return (size_t)(f->out.data + f->out.len - fake_body(f));
}

/* How many files the answer holds, each with its name's length in bytes as contents. */
static size_t count_files(const struct fake *f)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;
	size_t n = 0;

	archive_read_support_format_all(a);
	archive_read_support_filter_all(a);
	assert_int_equal(archive_read_open_memory(a, fake_body(f), body_len(f)), ARCHIVE_OK);
	while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		const char *path = archive_entry_pathname(entry);
		const char *name = strchr(path, '/');
		char bytes[200];
		la_ssize_t got = archive_read_data(a, bytes, sizeof(bytes));

		assert_non_null(name);
		assert_int_equal(got, strlen(name + 1));
		assert_memory_equal(bytes, name + 1, (size_t)got);
		n++;
	}
	archive_read_free(a);
	return n;
}

static void both_formats_hold_every_file(void **state)
{
	static const char *const formats[][3] = {
		{"", "application/zip", ".zip\""},
		{"format=zip&version=1", "application/zip", ".zip\""},
		{"format=tar.gz", "application/gzip", ".tar.gz\""},
	};
	static struct file_change changes[VERSION_FILES_MAX];
	static char names[VERSION_FILES_MAX][32];
	const struct version_meta meta = {.kind = "edit", .author_id = ann, .message = ""};
	char id[UUID_TEXT_BYTES];
	struct err e;
	int64_t n;

	(void)state;
	for (size_t i = 0; i < VERSION_FILES_MAX; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "dir-%zu/file-%zu.txt", i % 50, i);
		changes[i] = (struct file_change){.path = names[i],
						  .bytes = names[i],
						  .len = strlen(names[i]),
						  .mode = i % 2 ? 0755 : 0644};
	}
	new_project(ann, "Whole", id);
	assert_ok(version_create(&app, id, 0, changes, VERSION_FILES_MAX, &meta, &n, &e));
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct fake f;

		assert_int_equal(export_to(&f, ann, id, formats[i][0]), 200);
		assert_non_null(strstr(f.out.data, formats[i][1]));
		assert_non_null(
			strstr(f.out.data, "Content-Disposition: attachment; filename=\"whole-"));
		assert_non_null(strstr(f.out.data, "-v1."));
		assert_non_null(strstr(f.out.data, formats[i][2]));
		assert_null(strstr(f.out.data, "X-Accel-Buffering"));
		assert_int_equal(count_files(&f), VERSION_FILES_MAX);
		fake_fini(&f);
	}
}

static void a_version_is_always_the_same_archive(void **state)
{
	char id[UUID_TEXT_BYTES];
	struct fake first, second;

	(void)state;
	new_project(ann, "Same", id);
	assert_int_equal(put(id, "a", "a", NULL), 201);
	assert_int_equal(export_to(&first, ann, id, ""), 200);
	assert_int_equal(put(id, "a", "changed", NULL), 200);
	assert_int_equal(export_to(&second, ann, id, "version=1"), 200);
	assert_int_equal(body_len(&first), body_len(&second));
	assert_memory_equal(fake_body(&first), fake_body(&second), body_len(&first));
	fake_fini(&first);
	fake_fini(&second);
}

static void what_cannot_be_exported(void **state)
{
	char id[UUID_TEXT_BYTES];

	(void)state;
	new_project(ann, "Empty", id);
	assert_int_equal(export_status(ann, id, ""), 422);
	assert_int_equal(export_status(ann, id, "version=1"), 404);
	assert_int_equal(put(id, "a", "a", NULL), 201);
	assert_int_equal(export_status(ann, id, "format=rar"), 400);
	assert_int_equal(export_status(ann, id, "format="), 400);
	assert_int_equal(export_status(ann, id, "version=2"), 404);
	assert_int_equal(export_status(bob, id, ""), 404);
	assert_int_equal(CALL(NULL, .handler = file_delete, .user = ann, .params = {id, "a"}), 200);
	assert_int_equal(export_status(ann, id, ""), 422);
	assert_int_equal(export_status(ann, id, "version=1"), 200);
}

static void nobody_is_waited_for(void **state)
{
	char id[UUID_TEXT_BYTES];
	struct fake f;
	struct err e;

	(void)state;
	new_project(ann, "Gone", id);
	assert_int_equal(put(id, "a", "a", NULL), 201);
	fake_init(&f, ann, NULL);
	f.rq.params[0] = id;
	f.rs.head_only = true;
	assert_ok(project_export(&app, &f.rq, &f.rs, &e));
	assert_non_null(strstr(f.out.data, "Status: 200"));
	assert_string_equal(fake_body(&f), "");
	fake_fini(&f);

	fake_init(&f, ann, NULL);
	f.rq.params[0] = id;
	f.gone = true;
	assert_ok(project_export(&app, &f.rq, &f.rs, &e));
	fake_fini(&f);

	fake_init(&f, ann, NULL);
	f.rq.params[0] = id;
	f.rq.deadline_ms = clock_mono_ms() - 1;
	assert_err(project_export(&app, &f.rq, &f.rs, &e), ERR_TIMEOUT);
	fake_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_formats_hold_every_file),
		cmocka_unit_test(a_version_is_always_the_same_archive),
		cmocka_unit_test(what_cannot_be_exported),
		cmocka_unit_test(nobody_is_waited_for),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
