#include "inventory.h"

#include "disk.h"
#include "log.h"
#include "loop.h"
#include "settings.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void inventory_fini(struct inventory *inv)
{
	free(inv->items);
	*inv = (struct inventory){0};
}

static struct inventory_item *find(const struct inventory *inv, const char *id)
{
	for (size_t i = 0; i < inv->n; i++) {
		if (strcmp(inv->items[i].id, id) == 0) {
			return &inv->items[i];
		}
	}
	return NULL;
}

const struct inventory_item *inventory_find(const struct inventory *inv, const char *id)
{
	return find(inv, id);
}

/* The item of this id, new when there was none. NULL: out of memory. */
static struct inventory_item *item_of(struct inventory *inv, const char *id)
{
	struct inventory_item *item = find(inv, id);

	if (item) {
		return item;
	}
	if (inv->n == inv->cap) {
		size_t cap = inv->cap ? inv->cap * 2 : 64;
		struct inventory_item *more = reallocarray(inv->items, cap, sizeof(*more));

		if (!more) {
			return NULL;
		}
		inv->items = more;
		inv->cap = cap;
	}
	item = &inv->items[inv->n++];
	*item = (struct inventory_item){0};
	(void)snprintf(item->id, sizeof(item->id), "%s", id);
	return item;
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t len = strlen(s), n = strlen(suffix);

	return len > n && strcmp(s + len - n, suffix) == 0;
}

/* "<uuid>.img" in the directory of images. A half made "<uuid>.img.tmp" has a row, because rows
 * come first, and is overwritten or goes with it. */
static int take_image(struct inventory *inv, const char *name, struct err *e)
{
	char id[UUID_TEXT_BYTES];
	struct inventory_item *item;

	if (strlen(name) != UUID_TEXT_BYTES - 1 + strlen(DISK_IMAGE_SUFFIX) ||
	    !has_suffix(name, DISK_IMAGE_SUFFIX)) {
		return 0;
	}
	(void)snprintf(id, sizeof(id), "%.36s", name);
	if (!uuid_valid(id)) {
		return 0;
	}
	item = item_of(inv, id);
	if (!item) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	item->image = true;
	return 0;
}

static int take_mount_dir(struct inventory *inv, const char *name, struct err *e)
{
	struct inventory_item *item;

	if (!uuid_valid(name)) {
		return 0;
	}
	item = item_of(inv, name);
	if (!item) {
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	item->mounted = true;
	return 0;
}

static int each_entry(const char *path, struct inventory *inv,
		      int (*take)(struct inventory *inv, const char *name, struct err *e),
		      struct err *e)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	int rc = 0;

	if (!dir) {
		return err_errno(e, ERR_INTERNAL, "cannot list %s", path);
	}
	while (rc == 0 && (d = readdir(dir))) {
		rc = take(inv, d->d_name, e);
	}
	closedir(dir);
	return rc;
}

struct loops_ctx {
	const char *disks_dir;
};

/* A deleted image whose device nobody let go of: it would keep its blocks for ever. */
static int drop_deleted(void *ctx, const char *dev, const char *image_path, struct err *e)
{
	const struct loops_ctx *c = ctx;
	size_t len = strlen(c->disks_dir);
	struct err failed;

	(void)e;
	if (strncmp(image_path, c->disks_dir, len) != 0 || image_path[len] != '/' ||
	    !has_suffix(image_path, " (deleted)")) {
		return 0;
	}
	if (loop_detach(dev, &failed) < 0) {
		log_err(LOG_WARN, "loop_not_detached", &failed);
	}
	return 0;
}

int inventory_take(const struct settings *s, struct inventory *ret, struct err *e)
{
	struct loops_ctx loops = {.disks_dir = s->disks_dir};
	struct inventory inv = {0};

	if (each_entry(s->disks_dir, &inv, take_image, e) < 0 ||
	    each_entry(s->mounts_dir, &inv, take_mount_dir, e) < 0 ||
	    each_entry(s->sockdirs_dir, &inv, take_mount_dir, e) < 0 ||
	    loop_each(drop_deleted, &loops, e) < 0) {
		inventory_fini(&inv);
		return -1;
	}
	*ret = inv;
	return 0;
}
