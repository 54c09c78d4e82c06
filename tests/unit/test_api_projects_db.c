/* Projects and their files through their handlers, on a real PostgreSQL. */

#include "model/templates.h"
#include "project_calls.h"

static void create_read_change_delete(void **state)
{
	auto_json *made = NULL;
	auto_json *read = NULL;
	auto_json *changed = NULL;
	char id[UUID_TEXT_BYTES];

	(void)state;
	assert_int_equal(CALL(&made, .handler = projects_create, .user = ann,
			      .body = "{\"name\":\"My App\",\"visibility\":\"public\"}"),
			 201);
	(void)snprintf(id, sizeof(id), "%s", text(made, "id"));
	assert_string_equal(text(made, "name"), "My App");
	assert_int_equal(strncmp(text(made, "slug"), "my-app-", 7), 0);
	assert_string_equal(text(made, "status"), "stopped");
	assert_int_equal(strncmp(text(made, "preview_url"), "http://my-app-", 14), 0);
	assert_non_null(strstr(text(made, "preview_url"), ".preview.localhost:8080"));
	assert_true(json_is_null(json_object_get(made, "template")));
	assert_int_equal(number(made, "version"), 0);

	assert_int_equal(CALL(&read, .handler = project_get, .user = ann, .params = {id}), 200);
	assert_true(json_equal(made, read));
	assert_int_equal(CALL(&changed, .handler = project_patch, .user = ann, .params = {id},
			      .body = "{\"name\":\"Other\"}"),
			 200);
	assert_string_equal(text(changed, "name"), "Other");
	assert_string_equal(text(changed, "visibility"), "public");
	assert_int_equal(CALL(NULL, .handler = project_delete, .user = ann, .params = {id}), 204);
	assert_int_equal(CALL(NULL, .handler = project_get, .user = ann, .params = {id}), 404);
	assert_int_equal(CALL(NULL, .handler = project_delete, .user = ann, .params = {id}), 404);
}

static void bad_projects(void **state)
{
	static const char *const bodies[] = {
		"{\"name\":\"\"}",
		"{\"name\":\"   \"}",
		"{\"name\":\"a\\nb\"}",
		"{\"name\":1}",
		"{\"nme\":\"x\"}",
		"{\"visibility\":\"secret\"}",
		"[]",
		"{",
		"{\"name\":\"\\u0000\"}",
		"{\"name\":"
		"\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_equal(
			CALL(NULL, .handler = projects_create, .user = ann, .body = bodies[i]),
			400);
	}
	assert_int_equal(CALL(NULL, .handler = projects_create, .user = ann,
			      .body = "{\"template\":\"no-such\"}"),
			 422);
	assert_int_equal(CALL(NULL, .handler = projects_create, .user = ann,
			      .body = "{\"template\":\"../../etc\"}"),
			 422);
}

/* Every call on a project of somebody else answers exactly as for one that never was. */
static void strangers_see_nothing(void **state)
{
	static route_handler *const handlers[] = {
		project_get,   project_patch, project_delete, project_undelete,
		files_list,    file_get,      file_put,	      file_delete,
		versions_list, version_get,   version_diff,   version_restore,
	};
	char id[UUID_TEXT_BYTES];
	auto_json *ok = NULL;

	(void)state;
	new_project(ann, "private", id);
	assert_int_equal(put(id, "1", "x", &ok), 201);
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		const char *const ids[] = {id, "00000000-0000-4000-8000-000000000000", "not-an-id"};

		for (size_t k = 0; k < 3; k++) {
			assert_int_equal(CALL(NULL, .handler = handlers[i], .user = bob,
					      .body = "{}", .params = {ids[k], "1", "1"}),
					 404);
		}
	}
	assert_int_equal(CALL(NULL, .handler = project_get, .user = ann, .params = {id}), 200);
}

static void lists_go_page_by_page(void **state)
{
	char carol[UUID_TEXT_BYTES], id[UUID_TEXT_BYTES], query[300] = "limit=2";
	size_t seen = 0, pages = 0;

	(void)state;
	make_user("carol@example.com", carol);
	for (int i = 0; i < 5; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "p%d%%_", i);
		new_project(carol, name, id);
	}
	for (;;) {
		auto_json *page = NULL;
		json_t *items, *next;

		assert_int_equal(
			CALL(&page, .handler = projects_list, .user = carol, .query = query), 200);
		items = json_object_get(page, "items");
		next = json_object_get(page, "next");
		seen += json_array_size(items);
		pages++;
		assert_in_range(json_array_size(items), 1, 2);
		if (pages == 1) { /* newest first */
			assert_string_equal(text(json_array_get(items, 0), "id"), id);
		}
		if (json_is_null(next)) {
			break;
		}
		(void)snprintf(query, sizeof(query), "limit=2&cursor=%s", json_string_value(next));
	}
	assert_int_equal(seen, 5);
	assert_int_equal(pages, 3);
}

static void lists_search_and_refuse(void **state)
{
	char dan[UUID_TEXT_BYTES], id[UUID_TEXT_BYTES];
	auto_json *one = NULL;
	auto_json *none = NULL;

	(void)state;
	make_user("dan@example.com", dan);
	new_project(dan, "100%_Sure", id);
	new_project(dan, "other", id);
	assert_int_equal(CALL(&one, .handler = projects_list, .user = dan, .query = "q=%25_s"),
			 200);
	assert_int_equal(json_array_size(json_object_get(one, "items")), 1);
	assert_int_equal(CALL(&none, .handler = projects_list, .user = dan, .query = "q=zzz"), 200);
	assert_int_equal(json_array_size(json_object_get(none, "items")), 0);
	assert_int_equal(CALL(NULL, .handler = projects_list, .user = dan, .query = "limit=0"),
			 400);
	assert_int_equal(CALL(NULL, .handler = projects_list, .user = dan, .query = "cursor=AAAA"),
			 400);
	/* well-formed, but no time and no id: "ab" and "cd" */
	assert_int_equal(
		CALL(NULL, .handler = projects_list, .user = dan, .query = "cursor=YWIfY2Q"), 400);
}

static void files_are_versions(void **state)
{
	char id[UUID_TEXT_BYTES];
	auto_json *one = NULL;
	auto_json *two = NULL;
	auto_json *same = NULL;
	auto_json *gone = NULL;
	auto_json *list = NULL;
	auto_json *old = NULL;

	(void)state;
	new_project(ann, "files", id);
	assert_int_equal(put(id, "src/a.js", "one", &one), 201);
	assert_int_equal(number(one, "version"), 1);
	assert_string_equal(text(one, "etag"), "\"v1\"");
	assert_int_equal(put(id, "b.txt", "", &two), 201);
	assert_int_equal(number(two, "version"), 2);
	/* Saving the same again makes no version, and another file's tag stays. */
	assert_int_equal(put(id, "src/a.js", "one", &same), 200);
	assert_int_equal(number(same, "version"), 2);
	assert_string_equal(text(same, "etag"), "\"v1\"");
	assert_int_equal(
		CALL(&gone, .handler = file_delete, .user = ann, .params = {id, "src/a.js"}), 200);
	assert_int_equal(number(gone, "version"), 3);
	assert_int_equal(
		CALL(NULL, .handler = file_delete, .user = ann, .params = {id, "src/a.js"}), 404);

	assert_int_equal(CALL(&list, .handler = files_list, .user = ann, .params = {id}), 200);
	assert_int_equal(number(list, "version"), 3);
	assert_int_equal(json_array_size(json_object_get(list, "items")), 1);
	assert_int_equal(CALL(&old, .handler = files_list, .user = ann, .params = {id},
			      .query = "version=2"),
			 200);
	assert_int_equal(json_array_size(json_object_get(old, "items")), 2);
	assert_string_equal(text(json_array_get(json_object_get(old, "items"), 1), "path"),
			    "src/a.js");
	assert_int_equal(CALL(NULL, .handler = files_list, .user = ann, .params = {id},
			      .query = "version=4"),
			 404);
}

static void contents_come_as_a_download(void **state)
{
	char id[UUID_TEXT_BYTES];
	auto_json *made = NULL;
	struct fake f;

	(void)state;
	new_project(ann, "download", id);
	assert_int_equal(CALL(&made, .handler = file_put, .user = ann, .params = {id, "x.html"},
			      .bytes = "<b>\0\xff", .len = 5),
			 201);
	assert_int_equal(
		call(&(struct call){.handler = file_get, .user = ann, .params = {id, "x.html"}},
		     NULL, &f),
		200);
	assert_non_null(strstr(f.out.data, "Content-Type: text/html"));
	assert_non_null(strstr(f.out.data, "X-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(f.out.data, "Content-Disposition: attachment\r\n"));
	assert_non_null(strstr(f.out.data, "Content-Security-Policy: sandbox"));
	assert_non_null(strstr(f.out.data, "ETag: \"v1\"\r\n"));
	assert_memory_equal(fake_body(&f), "<b>\0\xff", 5);
	fake_fini(&f);
	assert_int_equal(call(&(struct call){.handler = file_get,
					     .user = ann,
					     .params = {id, "x.html"},
					     .header = {"HTTP_IF_NONE_MATCH", "W/\"v1\""}},
			      NULL, &f),
			 304);
	assert_string_equal(fake_body(&f), "");
	fake_fini(&f);
	assert_int_equal(CALL(NULL, .handler = file_get, .user = ann, .params = {id, "y"}), 404);
}

static void bad_paths_are_refused(void **state)
{
	static const char *const paths[] = {"../x", "/etc/passwd", "a//b", "a/../b",
					    "a/",   ".",	   "a\\b"};
	static route_handler *const handlers[] = {file_get, file_put, file_delete};
	char id[UUID_TEXT_BYTES];

	(void)state;
	new_project(ann, "paths", id);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		for (size_t k = 0; k < 3; k++) {
			assert_int_equal(CALL(NULL, .handler = handlers[k], .user = ann,
					      .params = {id, paths[i]}, .bytes = "x", .len = 1),
					 400);
		}
	}
}

static void no_path_is_file_and_directory(void **state)
{
	char id[UUID_TEXT_BYTES];
	auto_json *made = NULL;
	auto_json *sibling = NULL;

	(void)state;
	new_project(ann, "clash", id);
	assert_int_equal(put(id, "a/b", "x", &made), 201);
	assert_int_equal(put(id, "a", "x", NULL), 400);
	assert_int_equal(put(id, "a/b/c", "x", NULL), 400);
	/* Sorts between "a" and "a/b": must hide nothing. */
	assert_int_equal(put(id, "a-b", "x", &sibling), 201);
	assert_int_equal(put(id, "a", "x", NULL), 400);
}

static void conditions_guard_writes(void **state)
{
	char id[UUID_TEXT_BYTES];
	auto_json *made = NULL;
	auto_json *changed = NULL;

	(void)state;
	new_project(ann, "conditions", id);
#define PUT_IF(ret, name, value, content)                                                          \
	CALL(ret, .handler = file_put, .user = ann, .params = {id, "f"}, .header = {name, value},  \
	     .bytes = content, .len = strlen(content))
	assert_int_equal(PUT_IF(NULL, "HTTP_IF_MATCH", "*", "1"), 412);
	assert_int_equal(PUT_IF(&made, "HTTP_IF_NONE_MATCH", "*", "1"), 201);
	assert_int_equal(PUT_IF(NULL, "HTTP_IF_NONE_MATCH", "*", "2"), 412);
	assert_int_equal(PUT_IF(&changed, "HTTP_IF_MATCH", "\"v1\"", "2"), 200);
	assert_int_equal(PUT_IF(NULL, "HTTP_IF_MATCH", "\"v1\"", "3"), 412);
	assert_int_equal(CALL(NULL, .handler = file_delete, .user = ann, .params = {id, "f"},
			      .header = {"HTTP_IF_MATCH", "\"v1\""}),
			 412);
	assert_int_equal(CALL(NULL, .handler = file_delete, .user = ann, .params = {id, "f"},
			      .header = {"HTTP_IF_MATCH", "\"v2\""}),
			 200);
}

/* 21 names of one blob of 10 MiB: the quota counts what a version shows, not what is stored. */
static void a_template_becomes_the_first_version(void **state)
{
	auto_json *items = NULL;
	auto_json *made = NULL;
	char body[100];
	struct err e;

	(void)state;
	assert_ok(templates_load(&app, &items, &e));
	if (json_array_size(items) == 0) {
		fail_msg("the catalogue is empty");
	}
	(void)snprintf(body, sizeof(body), "{\"template\":\"%s\"}",
		       text(json_array_get(items, 0), "id"));
	assert_int_equal(CALL(&made, .handler = projects_create, .user = ann, .body = body), 201);
	assert_int_equal(number(made, "version"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_read_change_delete),
		cmocka_unit_test(bad_projects),
		cmocka_unit_test(strangers_see_nothing),
		cmocka_unit_test(lists_go_page_by_page),
		cmocka_unit_test(lists_search_and_refuse),
		cmocka_unit_test(files_are_versions),
		cmocka_unit_test(contents_come_as_a_download),
		cmocka_unit_test(bad_paths_are_refused),
		cmocka_unit_test(no_path_is_file_and_directory),
		cmocka_unit_test(conditions_guard_writes),
		cmocka_unit_test(a_template_becomes_the_first_version),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
