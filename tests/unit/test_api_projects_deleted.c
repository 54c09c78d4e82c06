/* Deleting a project and taking it back, on a real PostgreSQL. */

#include "janitor.h"
#include "project_calls.h"

static void sql(const char *statement, const char *id)
{
	struct err e;

	assert_ok(db_query(pg.db, statement, DB_ARGS(db_text(id)), NULL, &e));
}

static int64_t count(const char *statement, const char *id)
{
	auto_db_result r = NULL;
	struct err e;

	assert_ok(db_query(pg.db, statement, DB_ARGS(db_text(id)), &r, &e));
	return db_get_int(r, 0, 0);
}

static int get(const char *id)
{
	return CALL(NULL, .handler = project_get, .user = ann, .params = {id});
}

static void remove_project(const char *id)
{
	assert_int_equal(CALL(NULL, .handler = project_delete, .user = ann, .params = {id}), 204);
}

static int undelete(const char *user, const char *id, json_t **ret)
{
	return CALL(ret, .handler = project_undelete, .user = user, .params = {id});
}

static void a_deleted_project_comes_back_as_it_was(void **state)
{
	auto_json *before = NULL;
	auto_json *after = NULL;
	auto_json *again = NULL;
	char id[UUID_TEXT_BYTES];

	(void)state;
	new_project(ann, "Back", id);
	assert_int_equal(put(id, "a", "1", NULL), 201);
	assert_int_equal(CALL(&before, .handler = project_get, .user = ann, .params = {id}), 200);
	assert_true(json_is_null(json_object_get(before, "deleted_at")));
	remove_project(id);
	assert_int_equal(get(id), 404);
	assert_int_equal(undelete(bob, id, NULL), 404);
	assert_int_equal(undelete(ann, id, &after), 200);
	assert_true(json_equal(before, after));
	assert_int_equal(put(id, "b", "2", NULL), 201);
	assert_int_equal(undelete(ann, id, &again), 200);
	assert_int_equal(number(again, "version"), 2);
}

/* sandboxd has not come to it: it goes, and until then it does not count. */
static void it_comes_back_stopped(void **state)
{
	auto_json *after = NULL;
	char id[UUID_TEXT_BYTES];

	(void)state;
	new_project(ann, "Stopped", id);
	remove_project(id);
	sql("INSERT INTO sandboxes (id, user_id, project_id, profile, actual_state, container_name,"
	    " host_uid, agent_socket) SELECT gen_random_uuid(), user_id, id, 'app', 'running', 'x',"
	    " 200000, '/nowhere' FROM projects WHERE id = $1",
	    id);
	assert_int_equal(undelete(ann, id, &after), 200);
	assert_string_equal(text(after, "status"), "stopped");
	assert_int_equal(count("SELECT count(*) FROM sandboxes WHERE project_id = $1"
			       " AND desired_state = 'removed'",
			       id),
			 1);
	/* One that was not deleted keeps its sandbox. */
	sql("UPDATE sandboxes SET desired_state = 'running' WHERE project_id = $1", id);
	assert_int_equal(undelete(ann, id, NULL), 200);
	assert_int_equal(count("SELECT count(*) FROM sandboxes WHERE project_id = $1"
			       " AND desired_state = 'running'",
			       id),
			 1);
}

static void after_a_week_it_is_too_late(void **state)
{
	auto_json *list = NULL;
	char id[UUID_TEXT_BYTES];

	(void)state;
	new_project(bob, "Late", id);
	sql("UPDATE projects SET deleted_at = now() - interval '7 days' WHERE id = $1", id);
	assert_int_equal(undelete(bob, id, NULL), 404);
	assert_int_equal(
		CALL(&list, .handler = projects_list, .user = bob, .query = "deleted=true"), 200);
	assert_int_equal(json_array_size(json_object_get(list, "items")), 0);
	janitor_round(pg.db, true);
	assert_int_equal(count("SELECT count(*) FROM projects WHERE id = $1", id), 0);
	assert_int_equal(undelete(bob, id, NULL), 404);
}

/* Both want the row: the one that comes second sees what the first has done. */
static void a_purge_and_an_undelete_do_not_cross(void **state)
{
	struct db *other = db_create(pg.conninfo, "other");
	char id[UUID_TEXT_BYTES];
	struct err e;

	(void)state;
	new_project(ann, "Race", id);
	assert_int_equal(put(id, "a", "1", NULL), 201);
	sql("UPDATE projects SET deleted_at = now() - interval '8 days' WHERE id = $1", id);
	/* What an undelete that began a moment before the week was over holds. */
	assert_ok(db_begin(other, &e));
	assert_ok(db_query(other, "UPDATE projects SET deleted_at = NULL WHERE id = $1",
			   DB_ARGS(db_text(id)), NULL, &e));
	assert_ok(db_query(pg.db, "SET lock_timeout = '100ms'", DB_NO_ARGS, NULL, &e));
	janitor_round(pg.db, true); /* waits for it, in vain here */
	assert_ok(db_query(pg.db, "RESET lock_timeout", DB_NO_ARGS, NULL, &e));
	assert_ok(db_commit(other, &e));
	janitor_round(pg.db, true);
	assert_int_equal(get(id), 200);
	assert_int_equal(count("SELECT count(*) FROM version_files WHERE project_id = $1", id), 1);
	db_destroy(other);
}

static void deleted_ones_are_listed_last_deleted_first(void **state)
{
	auto_json *list = NULL;
	auto_json *rest = NULL;
	auto_json *found = NULL;
	char id[3][UUID_TEXT_BYTES], name[20], query[200];
	const json_t *items;

	(void)state;
	for (int i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "Listed %d", i);
		new_project(bob, name, id[i]);
		assert_int_equal(
			CALL(NULL, .handler = project_delete, .user = bob, .params = {id[i]}), 204);
	}
	assert_int_equal(
		CALL(&list, .handler = projects_list, .user = bob, .query = "deleted=true&limit=2"),
		200);
	items = json_object_get(list, "items");
	assert_int_equal(json_array_size(items), 2);
	assert_string_equal(text(json_array_get(items, 0), "id"), id[2]);
	assert_string_equal(text(json_array_get(items, 1), "id"), id[1]);
	assert_true(json_is_string(json_object_get(json_array_get(items, 0), "deleted_at")));
	(void)snprintf(query, sizeof(query), "deleted=true&cursor=%s", text(list, "next"));
	assert_int_equal(CALL(&rest, .handler = projects_list, .user = bob, .query = query), 200);
	items = json_object_get(rest, "items");
	assert_int_equal(json_array_size(items), 1);
	assert_string_equal(text(json_array_get(items, 0), "id"), id[0]);
	assert_int_equal(CALL(&found, .handler = projects_list, .user = bob,
			      .query = "deleted=true&q=LISTED%201"),
			 200);
	assert_int_equal(json_array_size(json_object_get(found, "items")), 1);
	assert_int_equal(CALL(NULL, .handler = projects_list, .user = bob, .query = "deleted=1"),
			 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deleted_project_comes_back_as_it_was),
		cmocka_unit_test(it_comes_back_stopped),
		cmocka_unit_test(after_a_week_it_is_too_late),
		cmocka_unit_test(a_purge_and_an_undelete_do_not_cross),
		cmocka_unit_test(deleted_ones_are_listed_last_deleted_first),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
