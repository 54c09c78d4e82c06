#include "tree_budget.h"

#include "cleanup.h"
#include "disk.h"
#include "log.h"
#include "loop.h"
#include "settings.h"
#include "token.h"
#include "tree_mount.h"
#include "tree_store.h"
#include "trees.h"
#include "worker.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAT_BLOCK_BYTES 512

/* One that was asked for is about to be attached. */
#define PROMISED_S 60

/* An unused one keeps its loop device for so long. */
#define IDLE_MOUNT_S 600

static int64_t size_of(const struct settings *s, const char *key)
{
	char path[PATH_MAX];
	struct stat st;

	tree_image_path(s, key, path);
	return stat(path, &st) < 0 ? 0 : (int64_t)st.st_blocks * STAT_BLOCK_BYTES;
}

/* Calls fn for each image there is. */
static int each_image(const struct settings *s,
		      int (*fn)(void *ctx, const char *key, struct err *e), void *ctx,
		      struct err *e)
{
	DIR *dir = opendir(s->trees_dir);
	struct dirent *d;
	int rc = 0;

	if (!dir) {
		return err_errno(e, ERR_INTERNAL, "cannot list %s", s->trees_dir);
	}
	while (rc == 0 && (d = readdir(dir))) {
		char key[TREE_KEY_BYTES];

		(void)snprintf(key, sizeof(key), "%.64s", d->d_name);
		if (strspn(key, "0123456789abcdef") == TREE_KEY_BYTES - 1 &&
		    strcmp(d->d_name + TREE_KEY_BYTES - 1, DISK_IMAGE_SUFFIX) == 0) {
			rc = fn(ctx, key, e);
		}
	}
	closedir(dir);
	return rc;
}

struct sum {
	const struct settings *s;
	int64_t bytes;
};

static int add_size(void *ctx, const char *key, struct err *e)
{
	struct sum *sum = ctx;

	(void)e;
	sum->bytes += size_of(sum->s, key);
	return 0;
}

static int used_bytes(const struct settings *s, int64_t *ret, struct err *e)
{
	struct sum sum = {.s = s};

	if (each_image(s, add_size, &sum, e) < 0) {
		return -1;
	}
	*ret = sum.bytes;
	return 0;
}

/* Mount, image, row. The image last but one: without it there is no tree, whatever the row says. */
static int remove_tree(struct worker *w, const char *key, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	char path[PATH_MAX];

	tree_image_path(s, key, path);
	if (tree_unmount(s, key, e) < 0) {
		return -1;
	}
	if (unlink(path) < 0 && errno != ENOENT) {
		return err_errno(e, ERR_INTERNAL, "cannot remove %s", path);
	}
	return tree_store_delete(w->db, key, e);
}

/* Removes it unless a sandbox has it. *ret_done says whether. */
static int remove_unused(struct worker *w, const char *key, bool *ret_done, struct err *e)
{
	struct trees *t = w->sandboxd->trees;
	bool in_use = false;
	int rc;

	pthread_mutex_lock(&t->mounts);
	rc = tree_in_use(w->sandboxd->settings, key, &in_use, e);
	if (rc == 0 && !in_use) {
		rc = remove_tree(w, key, e);
	}
	pthread_mutex_unlock(&t->mounts);
	*ret_done = rc == 0 && !in_use;
	return rc;
}

/* Those unused for longest go until the rest fits; `keep` stays. */
static int make_room(struct worker *w, const char *keep, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	auto_free struct tree_row *rows = NULL;
	int64_t used;
	size_t n;

	if (used_bytes(s, &used, e) < 0) {
		return -1;
	}
	if (used <= s->trees_budget_bytes) {
		return 0;
	}
	if (tree_store_list(w->db, &rows, &n, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < n && used > s->trees_budget_bytes; i++) {
		int64_t size = size_of(s, rows[i].key);
		bool done;

		if (rows[i].state != TREE_READY || rows[i].idle_s < PROMISED_S ||
		    strcmp(rows[i].key, keep) == 0) {
			continue;
		}
		if (remove_unused(w, rows[i].key, &done, e) < 0) {
			return -1;
		}
		if (done) {
			used -= size;
			log_info("tree_removed", "{s:s,s:I}", "tree", rows[i].key, "size_bytes",
				 (json_int_t)size);
		}
	}
	return 0;
}

int tree_budget_admit(struct worker *w, const char *key, int64_t *ret_size, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	int64_t size = size_of(s, key);
	char path[PATH_MAX];

	if (size > s->trees_budget_bytes) {
		tree_image_path(s, key, path);
		(void)unlink(path);
		return err_set(e, ERR_NO_SPACE,
			       "its packages take %lld MiB, more than SLIPWAY_TREES_MB allows for "
			       "all",
			       (long long)(size >> 20));
	}
	if (make_room(w, key, e) < 0) {
		return -1;
	}
	*ret_size = size;
	return 0;
}

struct cleaning {
	struct worker *w;
	const struct tree_row *rows;
	size_t n_rows;
};

static const struct tree_row *row_of(const struct cleaning *c, const char *key)
{
	for (size_t i = 0; i < c->n_rows; i++) {
		if (strcmp(c->rows[i].key, key) == 0) {
			return &c->rows[i];
		}
	}
	return NULL;
}

/* Asked right before something goes: since the rows were listed a build may have ended, or begun.
 */
static int is_wanted(struct worker *w, const char *key, bool *ret, struct err *e)
{
	enum tree_state state;
	char why[200];

	*ret = tree_is_building(w->sandboxd, key);
	if (*ret) {
		return 0;
	}
	if (tree_store_find(w->db, key, &state, why, e) < 0) {
		return -1;
	}
	*ret = state == TREE_READY;
	return 0;
}

/* An image that no row calls ready was left by a crash, or its row was lost. */
static int remove_stray(void *ctx, const char *key, struct err *e)
{
	struct cleaning *c = ctx;
	const struct tree_row *row = row_of(c, key);
	bool wanted, done;

	if (row && row->state == TREE_READY) {
		return 0;
	}
	if (is_wanted(c->w, key, &wanted, e) < 0) {
		return -1;
	}
	if (wanted) {
		return 0;
	}
	if (remove_unused(c->w, key, &done, e) < 0) {
		return -1;
	}
	if (done) {
		log_warn("orphan_tree_removed", "{s:s}", "tree", key);
	}
	return 0;
}

/* A build nobody is at, or an image that somebody deleted. */
static int remove_hollow_row(struct worker *w, const struct tree_row *row, struct err *e)
{
	bool wanted, done;

	if (row->state == TREE_FAILED ||
	    (row->state == TREE_READY && size_of(w->sandboxd->settings, row->key) > 0)) {
		return 0;
	}
	if (row->state == TREE_BUILDING) {
		if (is_wanted(w, row->key, &wanted, e) < 0) {
			return -1;
		}
		if (wanted) {
			return 0;
		}
	}
	return remove_unused(w, row->key, &done, e);
}

static int unmount_idle(struct worker *w, const struct tree_row *row, struct err *e)
{
	struct trees *t = w->sandboxd->trees;
	bool in_use = true;
	int rc;

	if (row->idle_s < IDLE_MOUNT_S) {
		return 0;
	}
	pthread_mutex_lock(&t->mounts);
	rc = tree_in_use(w->sandboxd->settings, row->key, &in_use, e);
	if (rc == 0 && !in_use) {
		rc = tree_unmount(w->sandboxd->settings, row->key, e);
	}
	pthread_mutex_unlock(&t->mounts);
	return rc;
}

/* Overlays whose sandbox has no disk any more. */
static int remove_stray_overlays(const struct settings *s, struct err *e)
{
	DIR *dir = opendir(s->modules_dir);
	struct dirent *d;
	int rc = 0;

	if (!dir) {
		return err_errno(e, ERR_INTERNAL, "cannot list %s", s->modules_dir);
	}
	while (rc == 0 && (d = readdir(dir))) {
		if (uuid_valid(d->d_name) && !disk_exists(s, d->d_name)) {
			rc = tree_overlay_remove(s, d->d_name, e);
		}
	}
	closedir(dir);
	return rc;
}

int tree_reconcile(struct worker *w, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	auto_free struct tree_row *rows = NULL;
	struct cleaning c = {.w = w};

	if (tree_store_list(w->db, &rows, &c.n_rows, e) < 0) {
		return -1;
	}
	c.rows = rows;
	if (each_image(s, remove_stray, &c, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < c.n_rows; i++) {
		if (remove_hollow_row(w, &rows[i], e) < 0 || unmount_idle(w, &rows[i], e) < 0) {
			return -1;
		}
	}
	return remove_stray_overlays(s, e) < 0 ? -1 : make_room(w, "", e);
}
