#include "tree.h"

#include "clock.h"
#include "disk.h"
#include "jobs.h"
#include "log.h"
#include "settings.h"
#include "token.h"
#include "tree_budget.h"
#include "tree_build.h"
#include "tree_mount.h"
#include "tree_store.h"
#include "trees.h"
#include "worker.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct trees *trees_create(void)
{
	struct trees *t = calloc(1, sizeof(*t));

	if (!t) {
		return NULL;
	}
	pthread_mutex_init(&t->mutex, NULL);
	pthread_mutex_init(&t->mounts, NULL);
	return t;
}

void trees_destroy(struct trees *t)
{
	if (t) {
		pthread_mutex_destroy(&t->mounts);
		pthread_mutex_destroy(&t->mutex);
		free(t);
	}
}

bool tree_is_builder(struct sandboxd *d, const char *sandbox_id)
{
	bool found = false;

	pthread_mutex_lock(&d->trees->mutex);
	for (int i = 0; i < TREE_BUILDS_MAX; i++) {
		found = found || (d->trees->builds[i].key[0] != '\0' &&
				  strcmp(d->trees->builds[i].id, sandbox_id) == 0);
	}
	pthread_mutex_unlock(&d->trees->mutex);
	return found;
}

bool tree_is_building(struct sandboxd *d, const char *key)
{
	bool found = false;

	pthread_mutex_lock(&d->trees->mutex);
	for (int i = 0; i < TREE_BUILDS_MAX; i++) {
		found = found || strcmp(d->trees->builds[i].key, key) == 0;
	}
	pthread_mutex_unlock(&d->trees->mutex);
	return found;
}

/* A place to build this tree in, -1: somebody else does, or all places are taken. */
static int free_slot(const struct trees *t, const char *key)
{
	int slot = -1;

	for (int i = 0; i < TREE_BUILDS_MAX; i++) {
		if (strcmp(t->builds[i].key, key) == 0) {
			return -1;
		}
		if (t->builds[i].key[0] == '\0') {
			slot = i;
		}
	}
	return slot;
}

/* False: somebody else builds it, or all places are taken. */
static bool claim(struct trees *t, const char *key, int *ret_slot)
{
	int slot;

	pthread_mutex_lock(&t->mutex);
	slot = free_slot(t, key);
	if (slot >= 0) {
		(void)snprintf(t->builds[slot].key, TREE_KEY_BYTES, "%s", key);
		uuid_new(t->builds[slot].id);
		*ret_slot = slot;
	}
	pthread_mutex_unlock(&t->mutex);
	return slot >= 0;
}

static void release(struct sandboxd *d, int slot)
{
	pthread_mutex_lock(&d->trees->mutex);
	d->trees->builds[slot] = (struct tree_work){0};
	pthread_mutex_unlock(&d->trees->mutex);
	jobs_look_again(d->jobs);
}

/* 1: it is there; 0: it wants to be built; -1 also for one that could not be built lately. */
static int look(struct worker *w, const char *key, struct err *e)
{
	enum tree_state state;
	char path[PATH_MAX], why[200];

	if (tree_store_find(w->db, key, &state, why, e) < 0) {
		return -1;
	}
	if (state == TREE_FAILED) {
		return err_set(e, ERR_UNPROCESSABLE, "%s", why);
	}
	tree_image_path(w->sandboxd->settings, key, path);
	if (state != TREE_READY || access(path, F_OK) < 0) {
		return 0;
	}
	return tree_store_touch(w->db, key, e) < 0 ? -1 : 1;
}

/* What may be well in a minute is tried again at the next start; a bad lockfile is not. */
static bool is_final(enum err_kind kind)
{
	return kind == ERR_UNPROCESSABLE || kind == ERR_NO_SPACE || kind == ERR_TIMEOUT;
}

static void note_failure(struct worker *w, const char *key, const struct err *why)
{
	struct err e;

	log_warn("tree_build_failed", "{s:s,s:s,s:s}", "tree", key, "kind",
		 err_kind_name(why->kind), "detail", why->text);
	if ((is_final(why->kind) ? tree_store_failed(w->db, key, why->text, &e)
				 : tree_store_delete(w->db, key, &e)) < 0) {
		log_err(LOG_WARN, "tree_row_not_written", &e);
	}
}

static int build_claimed(struct worker *w, const struct tree_plan *plan, int slot,
			 int64_t deadline_ms, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	const char *id = w->sandboxd->trees->builds[slot].id;
	int64_t since_ms = clock_mono_ms(), size = 0;
	char path[PATH_MAX];

	tree_image_path(s, plan->key, path);
	if (tree_store_begin(w->db, plan->key, plan->packages, e) < 0) {
		return -1;
	}
	if (tree_build(w, plan, id, slot, path, deadline_ms, e) < 0 ||
	    tree_budget_admit(w, plan->key, &size, e) < 0) {
		note_failure(w, plan->key, e);
		return -1;
	}
	if (tree_store_ready(w->db, plan->key, size, e) < 0) {
		return -1;
	}
	log_info("tree_built", "{s:s,s:I,s:I,s:I}", "tree", plan->key, "packages",
		 (json_int_t)plan->packages, "size_bytes", (json_int_t)size, "ms",
		 (json_int_t)(clock_mono_ms() - since_ms));
	return 0;
}

int tree_ensure(struct worker *w, const struct tree_plan *plan, int64_t deadline_ms, struct err *e)
{
	int rc = look(w, plan->key, e), slot = -1;

	if (rc != 0) {
		return rc < 0 ? -1 : 0;
	}
	if (!claim(w->sandboxd->trees, plan->key, &slot)) {
		return 1;
	}
	/* Between the look and the claim somebody may have built it. */
	rc = look(w, plan->key, e);
	if (rc == 0) {
		rc = build_claimed(w, plan, slot, deadline_ms, e);
	}
	release(w->sandboxd, slot);
	return rc < 0 ? -1 : 0;
}

/* Forgotten before it is wiped and written down after it: a crash in between wipes once more. */
static int change_tree(struct worker *w, const char *sandbox_id, const char *key, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	char old[TREE_KEY_BYTES];

	if (tree_store_of_sandbox(w->db, sandbox_id, old, e) < 0) {
		return -1;
	}
	if (key[0] != '\0' && strcmp(old, key) == 0) {
		return 0;
	}
	if (tree_store_set_sandbox(w->db, sandbox_id, "", e) < 0 ||
	    tree_overlay_remove(s, sandbox_id, e) < 0 || tree_wipe(s, sandbox_id, e) < 0) {
		return -1;
	}
	return key[0] != '\0' ? tree_store_set_sandbox(w->db, sandbox_id, key, e) : 0;
}

int tree_attach(struct worker *w, const char *sandbox_id, const char *key, uid_t uid,
		char ret_path[PATH_MAX], struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	struct trees *t = w->sandboxd->trees;
	enum tree_state state;
	char why[200];
	int rc;

	if (tree_store_find(w->db, key, &state, why, e) < 0) {
		return -1;
	}
	if (state != TREE_READY) {
		return err_set(e, ERR_NOT_FOUND, "the dependency tree %s is not there", key);
	}
	if (change_tree(w, sandbox_id, key, e) < 0 ||
	    tree_make_mount_point(s, sandbox_id, uid, e) < 0) {
		return -1;
	}
	pthread_mutex_lock(&t->mounts);
	rc = tree_mount(s, key, e);
	if (rc == 0) {
		rc = tree_overlay(s, sandbox_id, key, uid, e);
	}
	pthread_mutex_unlock(&t->mounts);
	if (rc < 0 || tree_store_touch(w->db, key, e) < 0) {
		return -1;
	}
	tree_modules_path(s, sandbox_id, ret_path);
	return 0;
}

int tree_detach(struct worker *w, const char *sandbox_id, struct err *e)
{
	return tree_overlay_remove(w->sandboxd->settings, sandbox_id, e);
}

int tree_forget(struct worker *w, const char *sandbox_id, struct err *e)
{
	return change_tree(w, sandbox_id, "", e);
}
