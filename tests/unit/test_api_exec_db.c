/* Running code through the handlers: PostgreSQL is real, the agent and sandboxd are scripted. */

#include "exec/handlers.h"
#include "exec/sandbox.h"
#include "fake_agent.h"
#include "fs.h"
#include "project_calls.h"
#include "projects/versions.h"

#define EXIT_OK "{\"exit_code\":0,\"signal\":null,\"duration_ms\":12}"

static char sandbox_id[UUID_TEXT_BYTES];

/* A running row of the user's (or project's) sandbox and where its agent listens. */
static void make_sandbox(const char *user, const char *project, struct fake_agent *agent)
{
	static int64_t host_uid = 100000;
	char folder[120], path[108];
	struct err e;

	uuid_new(sandbox_id);
	assert_ok(db_query(pg.db, "DELETE FROM sandboxes", DB_NO_ARGS, NULL, &e));
	(void)snprintf(folder, sizeof(folder), "%s/sandboxes/%s", pg.dir, sandbox_id);
	assert_ok(fs_mkdirs(folder, 0700, &e));
	(void)snprintf(path, sizeof(path), "%s/sandboxes/%s/agent.sock", pg.dir, sandbox_id);
	assert_ok(
		db_query(pg.db,
			 "INSERT INTO sandboxes (id, user_id, project_id, profile, actual_state,"
			 " container_name, host_uid, agent_socket)"
			 " VALUES ($1::uuid, $2, $3, 'script', 'running', $1::uuid::text, $4, $5)",
			 DB_ARGS(db_text(sandbox_id), db_text(user), db_text(project),
				 db_int(host_uid++), db_text(path)),
			 NULL, &e));
	fake_agent_init(agent, path);
}

static int64_t count(const char *sql)
{
	auto_db_result r = NULL;
	struct err e;

	assert_ok(db_query(pg.db, sql, DB_NO_ARGS, &r, &e));
	return db_get_int(r, 0, 0);
}

static void execute_collects_the_output(void **state)
{
	struct fake_agent a;
	struct strbuf *b;
	auto_json *answer = NULL;

	(void)state;
	make_sandbox(ann, NULL, &a);
	b = fake_agent_frames(&a);
	frame_text(b, FRAME_STDOUT, "2\n\xe2\x98");
	frame_text(b, FRAME_STDERR, "warn\xff");
	frame_text(b, FRAME_STDOUT, "\x83");
	frame_text(b, FRAME_EXIT, EXIT_OK);
	fake_agent_start(&a);
	assert_int_equal(CALL(&answer, .handler = execute_post, .user = ann,
			      .body = "{\"code\":\"console.log(1+1)\",\"stdin\":\"in\"}"),
			 200);
	assert_string_equal(text(answer, "output"), "2\n\xe2\x98\x83");
	assert_string_equal(text(answer, "error"), "warn\xef\xbf\xbd");
	assert_int_equal(number(answer, "exit_code"), 0);
	assert_true(json_is_null(json_object_get(answer, "signal")));
	assert_true(json_is_false(json_object_get(answer, "timed_out")));
	assert_int_equal(number(answer, "duration_ms"), 12);
	assert_non_null(strstr(a.requests.data, "\"content\":\"console.log(1+1)\""));
	assert_non_null(strstr(a.requests.data, "\"stdin\":\"in\""));
	assert_int_equal(count("SELECT count(*) FROM runs WHERE output_bytes = 10"), 1);
	fake_agent_stop(&a);
}

static void execute_streams_events(void **state)
{
	struct fake_agent a;
	struct strbuf *b;
	struct fake f;

	(void)state;
	make_sandbox(ann, NULL, &a);
	b = fake_agent_frames(&a);
	frame_text(b, FRAME_STDOUT, "a\xc3");
	frame_text(b, FRAME_STDOUT, "\xa4");
	frame_text(b, FRAME_STDERR, "\xf0\x9f");
	frame_text(b, FRAME_EXIT, EXIT_OK);
	fake_agent_start(&a);
	assert_int_equal(call(&(struct call){.handler = execute_post,
					     .user = ann,
					     .body = "{\"code\":\"x\"}",
					     .header = {"HTTP_ACCEPT", "text/event-stream"}},
			      NULL, &f),
			 200);
	assert_string_equal(
		fake_body(&f),
		"id: 1\nevent: stdout\ndata: {\"data\":\"a\"}\n\n"
		"id: 2\nevent: stdout\ndata: {\"data\":\"\xc3\xa4\"}\n\n"
		"id: 3\nevent: stderr\ndata: {\"data\":\"\xef\xbf\xbd\xef\xbf\xbd\"}\n\n"
		"id: 4\nevent: exit\ndata: {\"exit_code\":0,\"signal\":null,\"timed_out\":false,"
		"\"truncated\":false,\"oom_killed\":false,\"duration_ms\":12}\n\n");
	fake_fini(&f);
	fake_agent_stop(&a);
}

static void a_sandbox_that_dies_is_told(void **state)
{
	struct fake_agent a;
	struct fake f;

	(void)state;
	make_sandbox(ann, NULL, &a);
	frame_text(fake_agent_frames(&a), FRAME_STDOUT, "half");
	frame_text(fake_agent_frames(&a), FRAME_STDOUT, "half");
	fake_agent_start(&a);
	assert_int_equal(
		CALL(NULL, .handler = execute_post, .user = ann, .body = "{\"code\":\"x\"}"), 502);
	assert_int_equal(call(&(struct call){.handler = execute_post,
					     .user = ann,
					     .body = "{\"code\":\"x\"}",
					     .header = {"HTTP_ACCEPT", "text/event-stream"}},
			      NULL, &f),
			 200);
	assert_non_null(strstr(fake_body(&f), "id: 2\nevent: error\ndata: {"));
	assert_non_null(strstr(fake_body(&f), "\"status\":502"));
	fake_fini(&f);
	fake_agent_stop(&a);
}

static void a_busy_sandbox_is_429(void **state)
{
	struct fake_agent a;

	(void)state;
	make_sandbox(ann, NULL, &a);
	strbuf_adds(fake_agent_answer(&a), "HTTP/1.1 429 Busy\r\nContent-Length: 0\r\n\r\n");
	fake_agent_start(&a);
	assert_int_equal(
		CALL(NULL, .handler = execute_post, .user = ann, .body = "{\"code\":\"x\"}"), 429);
	fake_agent_stop(&a);
}

static void bad_code_is_refused(void **state)
{
	static const struct {
		const char *body;
		int status;
	} cases[] = {
		{"{}", 400},
		{"{\"code\":\"\"}", 400},
		{"{\"code\":1}", 400},
		{"{\"code\":\"a\\u0000b\"}", 400},
		{"{\"code\":\"x\",\"timeout_ms\":0}", 400},
		{"{\"code\":\"x\",\"timeout_ms\":10001}", 400},
		{"{\"code\":\"x\",\"timeout_ms\":\"1\"}", 400},
		{"{\"code\":\"x\",\"code\":\"y\"}", 400},
	};
	struct strbuf big;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			CALL(NULL, .handler = execute_post, .user = ann, .body = cases[i].body),
			cases[i].status);
	}
	strbuf_init(&big, 4 << 20);
	strbuf_adds(&big, "{\"code\":\"");
	for (int i = 0; i < 1024 * 1024 + 1; i++) {
		strbuf_addc(&big, 'x');
	}
	strbuf_adds(&big, "\"}");
	assert_int_equal(CALL(NULL, .handler = execute_post, .user = ann, .body = big.data), 413);
	strbuf_fini(&big);
}

/* Nobody at the socket: sandboxd is asked once and says where the agent is now. */
static void a_stopped_sandbox_is_woken(void **state)
{
	struct fake_agent agent, broker;
	struct strbuf *b;
	char folder[64], path[96];
	struct err e;

	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/broker", pg.dir);
	assert_ok(fs_mkdirs(folder, 0700, &e));
	(void)snprintf(path, sizeof(path), "%s/sandboxd.sock", folder);
	make_sandbox(ann, NULL, &agent);
	assert_int_equal(
		CALL(NULL, .handler = execute_post, .user = ann, .body = "{\"code\":\"x\"}"), 503);

	fake_agent_init(&broker, path);
	strbuf_addf(fake_agent_answer(&broker),
		    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
		    "{\"id\":\"%s\",\"agent_socket\":\"/etc/passwd\"}",
		    sandbox_id);
	fake_agent_start(&broker);
	/* A socket that is not where sockets are is a bug of ours, not an address to try. */
	{
		struct sandbox sb;

		assert_err(sandbox_get(&app, ann, NULL, true, &sb, &e), ERR_INTERNAL);
	}
	fake_agent_stop(&broker);

	fake_agent_init(&broker, path);
	strbuf_addf(fake_agent_answer(&broker),
		    "HTTP/1.1 503 No\r\nConnection: close\r\n\r\n"
		    "{\"kind\":\"no_space\",\"detail\":\"the disk budget is used up\"}");
	strbuf_addf(fake_agent_answer(&broker),
		    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
		    "{\"id\":\"%s\",\"agent_socket\":\"%s\",\"hydrated_version\":null}",
		    sandbox_id, agent.path);
	fake_agent_start(&broker);
	assert_int_equal(
		CALL(NULL, .handler = execute_post, .user = ann, .body = "{\"code\":\"x\"}"), 507);
	assert_ok(db_query(pg.db, "UPDATE sandboxes SET actual_state = 'stopped'", DB_NO_ARGS, NULL,
			   &e));
	b = fake_agent_frames(&agent);
	frame_text(b, FRAME_EXIT, EXIT_OK);
	fake_agent_start(&agent);
	assert_int_equal(
		CALL(NULL, .handler = execute_post, .user = ann, .body = "{\"code\":\"x\"}"), 200);
	assert_non_null(strstr(broker.requests.data, "\"project_id\":null"));
	fake_agent_stop(&agent);
	fake_agent_stop(&broker);
}

static void no_content(struct fake_agent *a)
{
	strbuf_adds(fake_agent_answer(a), "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

static void a_project_runs_on_its_files(void **state)
{
	struct fake_agent a;
	char id[UUID_TEXT_BYTES];
	auto_json *one = NULL;
	auto_json *two = NULL;

	(void)state;
	new_project(ann, "run", id);
	assert_int_equal(CALL(NULL, .handler = project_execute_post, .user = ann, .params = {id},
			      .body = "{}"),
			 422);
	assert_int_equal(put(id, "index.js", "console.log(1)", &one), 201);
	assert_int_equal(put(id, "-x.js", "1", &two), 201);
	assert_int_equal(CALL(NULL, .handler = project_execute_post, .user = ann, .params = {id},
			      .body = "{\"entry\":\"none.js\"}"),
			 422);
	assert_int_equal(CALL(NULL, .handler = project_execute_post, .user = ann, .params = {id},
			      .body = "{\"entry\":\"../x\"}"),
			 400);
	assert_int_equal(CALL(NULL, .handler = project_execute_post, .user = ann, .params = {id},
			      .body = "{\"entry\":\"index.js\",\"code\":\"x\"}"),
			 400);
	assert_int_equal(CALL(NULL, .handler = project_execute_post, .user = bob, .params = {id},
			      .body = "{}"),
			 404);

	make_sandbox(ann, id, &a);
	no_content(&a);
	frame_text(fake_agent_frames(&a), FRAME_EXIT, EXIT_OK);
	frame_text(fake_agent_frames(&a), FRAME_EXIT, EXIT_OK);
	fake_agent_start(&a);
	for (int i = 0; i < 2; i++) { /* the second time the files are there */
		auto_json *answer = NULL;

		assert_int_equal(CALL(&answer, .handler = project_execute_post, .user = ann,
				      .params = {id},
				      .body = i == 0 ? "{}" : "{\"entry\":\"-x.js\"}"),
				 200);
	}
	assert_non_null(memmem(a.requests.data, a.requests.len, "console.log(1)", 14));
	assert_non_null(memmem(a.requests.data, a.requests.len, "[\"node\",\"index.js\"]", 19));
	assert_non_null(memmem(a.requests.data, a.requests.len, "[\"node\",\"./-x.js\"]", 18));
	assert_int_equal(count("SELECT hydrated_version FROM sandboxes"), 2);
	fake_agent_stop(&a);
}

static bool asked(const struct fake_agent *a, const char *what)
{
	return memmem(a->requests.data, a->requests.len, what, strlen(what)) != NULL;
}

/* From one version to another only what differs travels; after a failure all of it does. */
static void hydrating_sends_what_differs(void **state)
{
	struct version_meta meta = {.kind = "edit", .author_id = ann, .message = ""};
	const struct file_change first[] = {
		{.path = "a", .bytes = "AAAA", .len = 4, .mode = 0644},
		{.path = "d/e", .bytes = "EEEE", .len = 4, .mode = 0644},
		{.path = "f", .bytes = "FFFF", .len = 4, .mode = 0644}};
	const struct file_change second[] = {
		{.path = "a"},
		{.path = "d/e"},
		{.path = "d", .bytes = "DDDD", .len = 4, .mode = 0755}};
	struct sandbox sb = {.hydrated_version = -1};
	struct fake_agent a;
	char id[UUID_TEXT_BYTES];
	struct err e;
	int64_t n;

	(void)state;
	new_project(ann, "hydrate", id);
	assert_ok(version_create(&app, id, -1, first, 3, &meta, &n, &e));
	assert_ok(version_create(&app, id, -1, second, 3, &meta, &n, &e));
	make_sandbox(ann, id, &a);
	no_content(&a); /* tar of version 1 */
	no_content(&a); /* a */
	strbuf_adds(fake_agent_answer(&a), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	no_content(&a); /* d */
	strbuf_adds(fake_agent_answer(&a), "HTTP/1.1 507 Full\r\nContent-Length: 0\r\n\r\n");
	no_content(&a); /* tar of all of version 2 */
	fake_agent_start(&a);
	assert_ok(sandbox_get(&app, ann, id, false, &sb, &e));
	assert_int_equal(sb.hydrated_version, -1);
	assert_ok(sandbox_hydrate(&app, &sb, id, 1, &e));
	assert_int_equal(sb.hydrated_version, 1);
	assert_true(asked(&a, "AAAA") && asked(&a, "EEEE") && asked(&a, "FFFF"));
	strbuf_reset(&a.requests); /* the agent waits for the next connection */

	assert_err(sandbox_hydrate(&app, &sb, id, 2, &e), ERR_NO_SPACE);
	assert_true(asked(&a, "DELETE /v1/files/a ") && asked(&a, "DELETE /v1/files/d/e ") &&
		    asked(&a, "DELETE /v1/files/d "));
	assert_true(asked(&a, "DDDD"));
	assert_false(asked(&a, "FFFF"));
	assert_int_equal(count("SELECT count(*) FROM sandboxes WHERE hydrated_version IS NULL"), 1);
	strbuf_reset(&a.requests);

	assert_ok(sandbox_hydrate(&app, &sb, id, 2, &e));
	assert_true(asked(&a, "DDDD") && asked(&a, "FFFF"));
	/* An older version never takes the place of a newer one. */
	assert_ok(sandbox_hydrate(&app, &sb, id, 1, &e));
	assert_int_equal(sb.hydrated_version, 2);
	assert_int_equal(count("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 0);
	fake_agent_stop(&a);
}

/* A program that spoiled its own files is helped by restoring, even to the version it is at. */
static void restoring_sends_all_files_again(void **state)
{
	struct sandbox sb;
	struct fake_agent a;
	char id[UUID_TEXT_BYTES];
	auto_json *made = NULL;
	auto_json *restored = NULL;
	struct err e;

	(void)state;
	new_project(ann, "spoiled", id);
	assert_int_equal(put(id, "index.js", "PRISTINE", &made), 201);
	make_sandbox(ann, id, &a);
	no_content(&a);
	no_content(&a);
	fake_agent_start(&a);
	assert_ok(sandbox_get(&app, ann, id, false, &sb, &e));
	assert_ok(sandbox_hydrate(&app, &sb, id, 1, &e));
	strbuf_reset(&a.requests);
	assert_int_equal(
		CALL(&restored, .handler = version_restore, .user = ann, .params = {id, "1"}), 201);
	assert_ok(sandbox_hydrate(&app, &sb, id, 2, &e));
	assert_true(asked(&a, "PRISTINE"));
	fake_agent_stop(&a);
}

static void removal_is_marked_when_nobody_can_be_asked(void **state)
{
	struct fake_agent a;
	char id[UUID_TEXT_BYTES];

	(void)state;
	new_project(ann, "remove", id);
	make_sandbox(ann, id, &a);
	assert_int_equal(CALL(NULL, .handler = project_delete, .user = ann, .params = {id}), 204);
	assert_int_equal(count("SELECT count(*) FROM sandboxes WHERE desired_state = 'removed'"),
			 1);
	fake_agent_stop(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(execute_collects_the_output),
		cmocka_unit_test(execute_streams_events),
		cmocka_unit_test(a_sandbox_that_dies_is_told),
		cmocka_unit_test(a_busy_sandbox_is_429),
		cmocka_unit_test(bad_code_is_refused),
		cmocka_unit_test(a_stopped_sandbox_is_woken),
		cmocka_unit_test(a_project_runs_on_its_files),
		cmocka_unit_test(hydrating_sends_what_differs),
		cmocka_unit_test(restoring_sends_all_files_again),
		cmocka_unit_test(removal_is_marked_when_nobody_can_be_asked),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
