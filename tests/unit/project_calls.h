#pragma once

/* Handlers of projects called directly, on a real PostgreSQL: one cluster and two users a program.
 */

#include "config.h"
#include "exchange_fake.h"
#include "http/route.h"
#include "http_client.h"
#include "pg.h"
#include "projects/handlers.h"
#include "token.h"

static struct pg pg;
static struct app app;
static char ann[UUID_TEXT_BYTES], bob[UUID_TEXT_BYTES];

static inline void make_user(const char *email, char ret_id[UUID_TEXT_BYTES])
{
	auto_db_result r = NULL;
	struct err e;

	assert_ok(db_query(pg.db,
			   "INSERT INTO users (email, role) VALUES ($1, 'owner') RETURNING id",
			   DB_ARGS(db_text(email)), &r, &e));
	(void)snprintf(ret_id, UUID_TEXT_BYTES, "%s", db_get(r, 0, 0));
}

static inline int start(void **state)
{
	struct config *config;
	struct err e;

	(void)state;
	assert_ok(token_global_init(&e));
	pg_start(&pg);
	setenv("SLIPWAY_RUN_DIR", pg.dir, 1); /* nobody answers there */
	assert_ok(config_load(NULL, &config, &e));
	app = (struct app){.config = config, .db = pg.db, .release_dir = "."};
	assert_ok(http_client_global_init(&e));
	app.http = http_client_create();
	make_user("ann@example.com", ann);
	make_user("bob@example.com", bob);
	return 0;
}

static inline int stop(void **state)
{
	(void)state;
	http_client_destroy(app.http);
	config_destroy((struct config *)(uintptr_t)app.config);
	pg_stop(&pg);
	return 0;
}

/* What a call is made of; fields left out are none. */
struct call {
	route_handler *handler;
	const char *user, *body, *query;
	const char *params[3];
	const char *header[2]; /* CGI name and value */
	const void *bytes;     /* raw body, with len */
	size_t len;
};

/* Status of the answer, or of the problem an error becomes; *ret_body is a new reference, or NULL.
 */
static inline int call(const struct call *c, json_t **ret_body, struct fake *keep)
{
	struct fake local, *f = keep ? keep : &local;
	struct err e;
	int status;

	fake_init(f, c->user, c->body);
	if (c->bytes) {
		f->rq.body = c->bytes;
		f->rq.body_len = c->len;
	}
	f->rq.query = c->query ? c->query : "";
	memcpy(f->rq.params, c->params, sizeof(c->params));
	if (c->header[0]) {
		fake_header(f, c->header[0], c->header[1]);
	}
	if (c->handler(&app, &f->rq, &f->rs, &e) < 0) {
		struct problem p;

		db_rollback(app.db);
		problem_of(&e, &p);
		status = p.status;
		if (status == 500) {
			fail_msg("internal error: %s", e.text);
		}
	} else {
		status = f->rs.status;
		if (ret_body) {
			*ret_body = fake_json(f);
		}
	}
	if (!keep) {
		fake_fini(f);
	}
	return status;
}

#define CALL(body, ...) call(&(struct call){__VA_ARGS__}, body, NULL)

static inline void new_project(const char *user, const char *name, char ret_id[UUID_TEXT_BYTES])
{
	char body[200];
	auto_json *p = NULL;

	(void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", name);
	assert_int_equal(CALL(&p, .handler = projects_create, .user = user, .body = body), 201);
	(void)snprintf(ret_id, UUID_TEXT_BYTES, "%s", json_string_value(json_object_get(p, "id")));
}

static inline int put(const char *id, const char *path, const char *text, json_t **ret)
{
	return CALL(ret, .handler = file_put, .user = ann, .params = {id, path}, .bytes = text,
		    .len = strlen(text));
}

static inline int64_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static inline const char *text(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "(none)";
}
