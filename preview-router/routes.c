#include "routes.h"

#include "app.h"
#include "cleanup.h"
#include "config.h"
#include "evloop.h"
#include "log.h"
#include "policy.h"
#include "route_queue.h"
#include "routes_db.h"
#include "upstream.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* uthash's own functions do not compile without warnings on clang. Slugs end with random characters
 * of ours, ids are random: nobody can choose keys that collide. FNV-1a. */
static unsigned hash_of(const void *key, size_t len)
{
	const unsigned char *bytes = key;
	uint32_t hash = 2166136261U;

	for (size_t i = 0; i < len; i++) {
		hash = (uint32_t)((uint64_t)(hash ^ bytes[i]) * 16777619U);
	}
	return hash;
}

#define HASH_FUNCTION(key, len, hash) ((hash) = hash_of(key, len))
#include <uthash.h>

/* Changes applied before other events of the loop have their turn; a microsecond or two each. */
#define SLICE 256

struct route {
	struct app app; /* first: an app is its route */
	UT_hash_handle by_id, by_slug;
	bool named;    /* in by_slug */
	uint64_t seen; /* the load that had it last */
};

static struct {
	struct route_queue queue;
	struct routes_db *db;
	struct event *ready;
	struct route *by_id, *by_slug;
	size_t n;
	uint64_t load; /* counts them */
	bool loaded, connected, has_key;
	unsigned char key[GRANT_KEY_BYTES];
	uint64_t key_epoch;
} table;

static struct route *route_of(struct app *app)
{
	return (struct route *)app;
}

static struct route *find_id(const char *id)
{
	struct route *r;

	HASH_FIND(by_id, table.by_id, id, strlen(id), r);
	return r;
}

static struct route *find_slug(const char *slug, size_t len)
{
	struct route *r;

	HASH_FIND(by_slug, table.by_slug, slug, len, r);
	return r;
}

static void unname(struct route *r)
{
	if (r->named) {
		HASH_DELETE(by_slug, table.by_slug, r);
		r->named = false;
	}
}

/* Slugs are unique, but a row may be read before the one that had its slug is. */
static void name(struct route *r, const char *slug)
{
	struct route *other = find_slug(slug, strlen(slug));

	if (r->named && strcmp(r->app.slug, slug) == 0) {
		return;
	}
	if (other) {
		unname(other);
	}
	unname(r);
	memcpy(r->app.slug, slug, sizeof(r->app.slug));
	HASH_ADD_KEYPTR(by_slug, table.by_slug, r->app.slug, strlen(r->app.slug), r);
	r->named = true;
}

static void app_free(struct app *app)
{
	policy_app_free(app);
	upstream_app_free(app);
	free(app->shares);
	free(route_of(app));
}

void app_ref(struct app *app)
{
	app->refs++;
}

void app_unref(struct app *app)
{
	if (--app->refs == 0 && app->gone) {
		app_free(app);
	}
}

static bool same_shares(const struct app *a, const struct app *b)
{
	if (a->n_shares != b->n_shares) {
		return false;
	}
	for (size_t i = 0; i < a->n_shares; i++) {
		if (strcmp(a->shares[i].id, b->shares[i].id) != 0 ||
		    a->shares[i].expires_s != b->shares[i].expires_s) {
			return false;
		}
	}
	return true;
}

static bool same_upstream(const struct app *a, const struct app *b)
{
	return a->port == b->port && strcmp(a->secret, b->secret) == 0;
}

static bool same_row(const struct app *a, const struct app *b)
{
	return strcmp(a->user_id, b->user_id) == 0 && a->is_public == b->is_public &&
	       a->app_stopped == b->app_stopped && a->has_files == b->has_files &&
	       a->state == b->state && strcmp(a->phase, b->phase) == 0 &&
	       strcmp(a->error, b->error) == 0 && same_upstream(a, b) && same_shares(a, b);
}

/* Takes the row's shares. */
static void take_row(struct app *app, struct app *row)
{
	memcpy(app->user_id, row->user_id, sizeof(app->user_id));
	app->is_public = row->is_public;
	app->app_stopped = row->app_stopped;
	app->has_files = row->has_files;
	app->state = row->state;
	memcpy(app->phase, row->phase, sizeof(app->phase));
	memcpy(app->error, row->error, sizeof(app->error));
	app->port = row->port;
	memcpy(app->secret, row->secret, sizeof(app->secret));
	free(app->shares);
	app->shares = steal_ptr(row->shares);
	app->n_shares = row->n_shares;
}

static struct route *add_route(const char *id)
{
	struct route *r = calloc(1, sizeof(*r));

	if (r) {
		memcpy(r->app.project_id, id, sizeof(r->app.project_id));
		TAILQ_INIT(&r->app.waiting);
		HASH_ADD_KEYPTR(by_id, table.by_id, r->app.project_id, strlen(r->app.project_id),
				r);
		table.n++;
	}
	return r;
}

static void set_route(struct app *row)
{
	struct route *r = find_id(row->project_id);
	bool other_upstream;

	if (!r) {
		r = add_route(row->project_id);
	}
	if (!r) {
		log_error("route_lost", "{s:s,s:s}", "project_id", row->project_id, "detail",
			  "out of memory");
		return;
	}
	r->seen = table.load;
	name(r, row->slug);
	if (same_row(&r->app, row)) {
		return;
	}
	other_upstream = !same_upstream(&r->app, row);
	take_row(&r->app, row);
	app_ref(&r->app);
	if (other_upstream) {
		r->app.epoch++;
		upstream_app_changed(&r->app);
	}
	policy_app_changed(&r->app);
	app_unref(&r->app);
}

static void drop_route(struct route *r)
{
	unname(r);
	HASH_DELETE(by_id, table.by_id, r);
	table.n--;
	app_ref(&r->app);
	r->app.gone = true;
	r->app.epoch++;
	upstream_app_changed(&r->app);
	policy_app_changed(&r->app);
	app_unref(&r->app);
}

static void drop_unseen(void)
{
	struct route *r, *next;

	HASH_ITER(by_id, table.by_id, r, next)
	{
		if (r->seen != table.load) {
			drop_route(r);
		}
	}
}

static void take_key(const unsigned char key[GRANT_KEY_BYTES])
{
	if (!table.has_key || memcmp(table.key, key, sizeof(table.key)) != 0) {
		memcpy(table.key, key, sizeof(table.key));
		table.has_key = true;
		table.key_epoch++;
	}
}

static void end_load(void)
{
	drop_unseen();
	table.loaded = true;
	table.connected = true;
	log_info("routes_loaded", "{s:I}", "routes", (json_int_t)table.n);
}

static void apply(struct route_change *c)
{
	struct route *r;

	switch (c->kind) {
	case ROUTE_SET:
		set_route(&c->row);
		break;
	case ROUTE_GONE:
		r = find_id(c->row.project_id);
		if (r) {
			drop_route(r);
		}
		break;
	case ROUTE_LOAD_BEGIN:
		table.load++;
		break;
	case ROUTE_LOAD_END:
		end_load();
		break;
	case ROUTE_KEY:
		take_key(c->key);
		break;
	case ROUTE_DISCONNECTED:
		table.connected = false;
		break;
	}
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct route_change_list list;
	struct route_change *c;

	(void)fd;
	(void)what;
	(void)arg;
	evloop_wake();
	(void)route_queue_take(&table.queue, SLICE, &list);
	while ((c = STAILQ_FIRST(&list))) {
		STAILQ_REMOVE_HEAD(&list, link);
		apply(c);
		route_change_free(c);
	}
}

int routes_start(struct event_base *base, const struct config *c, struct err *e)
{
	memset(&table, 0, sizeof(table));
	if (route_queue_init(&table.queue, e) < 0) {
		return -1;
	}
	table.ready = event_new(base, table.queue.fd, EV_READ | EV_PERSIST, on_ready, NULL);
	if (!table.ready || event_add(table.ready, NULL) < 0) {
		err_set(e, ERR_INTERNAL, "out of memory");
	} else if (routes_db_start(c, &table.queue, &table.db, e) == 0) {
		return 0;
	}
	if (table.ready) {
		event_free(table.ready);
	}
	route_queue_fini(&table.queue);
	return -1;
}

/* Exchanges are gone by now, or go without their apps: what they still count stays allocated. */
void routes_stop(void)
{
	struct route *r, *next;

	if (!table.ready) {
		return;
	}
	route_queue_close(&table.queue);
	routes_db_stop(table.db);
	event_free(table.ready);
	route_queue_fini(&table.queue);
	HASH_ITER(by_id, table.by_id, r, next)
	{
		drop_route(r);
	}
	memset(&table, 0, sizeof(table));
}

bool routes_loaded(void)
{
	return table.loaded;
}

bool routes_connected(void)
{
	return table.connected;
}

struct app *routes_find(const char *slug, size_t len)
{
	struct route *r = find_slug(slug, len);

	return r ? &r->app : NULL;
}

size_t routes_count(void)
{
	return table.n;
}

void routes_each(void (*fn)(void *ctx, struct app *app), void *ctx)
{
	struct route *r, *next;

	HASH_ITER(by_id, table.by_id, r, next)
	{
		fn(ctx, &r->app);
	}
}

const unsigned char *routes_preview_key(void)
{
	return table.has_key ? table.key : NULL;
}

uint64_t routes_preview_key_epoch(void)
{
	return table.key_epoch;
}

void routes_active(const char (*project_ids)[UUID_TEXT_BYTES], size_t n)
{
	routes_db_active(table.db, project_ids, n);
}
