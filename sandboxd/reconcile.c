#include "reconcile.h"

#include "cleanup.h"
#include "custody.h"
#include "driver.h"
#include "inventory.h"
#include "jobs.h"
#include "log.h"
#include "ports.h"
#include "sandbox.h"
#include "settings.h"
#include "tree.h"
#include "worker.h"

#include <string.h>

struct picture {
	struct driver_container *containers;
	size_t n_containers;
	struct inventory inventory;
	struct sandbox_row *rows;
	size_t n_rows;
};

static void picture_fini(struct picture *p)
{
	free(p->containers);
	free(p->rows);
	inventory_fini(&p->inventory);
}

/* Things first, rows last: a row is written before anything of it exists and deleted after
 * everything of it is gone, so a thing without a row is nobody's. */
static int picture_take(struct worker *w, struct picture *p, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;

	if (w->driver->ops->list(w->driver, s->instance, &p->containers, &p->n_containers, e) < 0 ||
	    inventory_take(s, &p->inventory, e) < 0 ||
	    store_list(w->db, &p->rows, &p->n_rows, e) < 0) {
		return -1;
	}
	return 0;
}

static const struct sandbox_row *row_of(const struct picture *p, const char *id)
{
	for (size_t i = 0; i < p->n_rows; i++) {
		if (strcmp(p->rows[i].id, id) == 0) {
			return &p->rows[i];
		}
	}
	return NULL;
}

static const struct driver_container *container_of_row(const struct picture *p,
						       const struct sandbox_row *row)
{
	for (size_t i = 0; i < p->n_containers; i++) {
		if (strcmp(p->containers[i].sandbox, row->id) == 0) {
			return &p->containers[i];
		}
	}
	return NULL;
}

static void told(const char *what, const char *id, const struct err *e)
{
	log_warn("reconcile_failed", "{s:s,s:s,s:s,s:s}", "what", what, "sandbox", id, "kind",
		 err_kind_name(e->kind), "detail", e->text);
}

/* Docker puts a slash before names. */
static bool is_named(const struct driver_container *c, const char *name)
{
	return strcmp(c->name + (c->name[0] == '/' ? 1 : 0), name) == 0;
}

/* Containers of ours that no row knows, be it by id or by name. */
static void remove_strangers(struct worker *w, const struct picture *p)
{
	for (size_t i = 0; i < p->n_containers; i++) {
		const struct driver_container *c = &p->containers[i];
		const struct sandbox_row *row = c->sandbox[0] ? row_of(p, c->sandbox) : NULL;
		struct err e;

		if ((row && is_named(c, row->container_name)) ||
		    tree_is_builder(w->sandboxd, c->sandbox)) {
			continue;
		}
		if (w->driver->ops->remove(w->driver, c->id, &e) < 0) {
			told("container", c->sandbox, &e);
		} else {
			log_warn("orphan_container_removed", "{s:s,s:s}", "container", c->id,
				 "sandbox", c->sandbox);
		}
	}
}

static void purge_orphans(struct worker *w, const struct picture *p)
{
	for (size_t i = 0; i < p->inventory.n; i++) {
		const char *id = p->inventory.items[i].id;
		struct err e;

		if (!row_of(p, id) && !tree_is_builder(w->sandboxd, id) &&
		    sandbox_purge(w, id, &e) < 0) {
			told("orphan", id, &e);
		}
	}
}

/* Whether the row and what is there differ; looked at again under the lock. */
static bool is_suspect(const struct picture *p, const struct sandbox_row *row)
{
	const struct driver_container *c = container_of_row(p, row);
	const struct inventory_item *item = inventory_find(&p->inventory, row->id);

	if (row->unwanted) {
		return true;
	}
	switch (row->state) {
	case SANDBOX_STARTING:
	case SANDBOX_STOPPING:
		return true;
	case SANDBOX_RUNNING:
		return !c || !c->running;
	case SANDBOX_STOPPED:
	case SANDBOX_FAILED:
		return c || (item && item->mounted);
	}
	return false;
}

static void settle_rows(struct worker *w, const struct picture *p)
{
	for (size_t i = 0; i < p->n_rows; i++) {
		struct err e;

		if (is_suspect(p, &p->rows[i]) && sandbox_settle(w, p->rows[i].id, &e) < 0) {
			told("row", p->rows[i].id, &e);
		}
	}
}

/* What a start was at when its sandboxd ended. */
static void clear_phases(struct worker *w, const struct picture *p)
{
	for (size_t i = 0; i < p->n_rows; i++) {
		const struct sandbox_row *row = &p->rows[i];
		struct err e;

		if (row->phase[0] != '\0' && !jobs_has(w->sandboxd->jobs, row->project_id) &&
		    store_set_phase(w->db, row->id, "", &e) < 0) {
			told("phase", row->id, &e);
		}
	}
}

/* What is not found by sandbox. */
static void reconcile_rest(struct worker *w)
{
	struct err e;

	if (ports_release_dead(w->db, &e) < 0) {
		told("ports", "", &e);
	}
	if (tree_reconcile(w, &e) < 0) {
		told("trees", "", &e);
	}
}

int reconcile(struct worker *w, struct err *e)
{
	struct picture p = {0};
	int rc = custody_check(w, e);

	if (rc == 0) {
		rc = picture_take(w, &p, e);
	}
	if (rc == 0) {
		remove_strangers(w, &p);
		purge_orphans(w, &p);
		settle_rows(w, &p);
		clear_phases(w, &p);
		reconcile_rest(w);
	}
	picture_fini(&p);
	return rc;
}
