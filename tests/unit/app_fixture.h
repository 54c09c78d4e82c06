#pragma once

/* A project whose sandbox's agent, and sandboxd itself, say what a test tells them to. */

#include "fake_agent.h"
#include "fs.h"
#include "project_calls.h"

static char project_id[UUID_TEXT_BYTES], sandbox_id[UUID_TEXT_BYTES];

static inline void sql(const char *text)
{
	struct err e;

	assert_ok(db_script(pg.db, text, &e));
}

static inline int64_t count(const char *text)
{
	auto_db_result r = NULL;
	struct err e;

	/* Statements are remembered by their address: each of these is a literal. */
	assert_ok(db_query(pg.db, text, DB_NO_ARGS, &r, &e));
	return db_get_int(r, 0, 0);
}

/* A new project of ann's with one file. */
static inline void make_project(void)
{
	new_project(ann, "App", project_id);
	assert_int_equal(put(project_id, "index.html", "<h1>", NULL), 201);
}

/* Its sandbox in such a state, and its agent's way in. */
static inline void make_sandbox(const char *state, const char *phase, struct fake_agent *agent)
{
	static int64_t host_uid = 200000;
	char folder[120], path[108];
	struct err e;

	uuid_new(sandbox_id);
	sql("DELETE FROM sandboxes");
	(void)snprintf(folder, sizeof(folder), "%s/sandboxes/%s", pg.dir, sandbox_id);
	assert_ok(fs_mkdirs(folder, 0700, &e));
	(void)snprintf(path, sizeof(path), "%s/sandboxes/%s/agent.sock", pg.dir, sandbox_id);
	assert_ok(db_query(
		pg.db,
		"INSERT INTO sandboxes (id, user_id, project_id, profile, actual_state, phase,"
		" container_name, host_uid, agent_socket)"
		" VALUES ($1::uuid, $2, $3, 'app', $4, $5, $1::uuid::text, $6, $7)",
		DB_ARGS(db_text(sandbox_id), db_text(ann), db_text(project_id), db_text(state),
			db_text(phase), db_int(host_uid++), db_text(path)),
		NULL, &e));
	if (agent) {
		fake_agent_init(agent, path);
	}
}

/* An answer of the agent's, or of sandboxd's. */
static inline void says(struct fake_agent *a, const char *status, const char *json)
{
	strbuf_addf(fake_agent_answer(a),
		    "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
		    "Connection: close\r\n\r\n%s",
		    status, strlen(json), json);
}

static inline void make_broker(struct fake_agent *broker)
{
	char path[108];
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/broker", pg.dir);
	assert_ok(fs_mkdirs(path, 0700, &e));
	(void)snprintf(path, sizeof(path), "%s/broker/sandboxd.sock", pg.dir);
	fake_agent_init(broker, path);
}

/* What was asked, once everybody has been answered. */
static inline bool was_asked(const struct fake_agent *a, const char *words)
{
	return strstr(a->requests.data, words) != NULL;
}
