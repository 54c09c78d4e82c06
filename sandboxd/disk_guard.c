#include "disk_guard.h"

#include "disk.h"
#include "log.h"
#include "sandbox.h"
#include "settings.h"
#include "worker.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MOUNTS_MAX 16384 /* more than SLIPWAY_SANDBOXES_MAX allows */

void disk_guard_fini(struct disk_guard *g)
{
	free(g->seen);
	*g = (struct disk_guard){0};
}

/* One that was not seen before is no grower yet: it may have been large for long. */
static int64_t growth(const struct disk_guard *g, const struct disk_use *now)
{
	for (size_t i = 0; i < g->n; i++) {
		if (strcmp(g->seen[i].id, now->id) == 0) {
			return now->bytes - g->seen[i].bytes;
		}
	}
	return 0;
}

struct look {
	struct disk_guard now;
	int64_t unwritten;	      /* by all */
	char grower[UUID_TEXT_BYTES]; /* the one that grew most; "": none did */
	char broken[UUID_TEXT_BYTES]; /* one of those that are; the others' turn comes */
	int64_t most;
};

static int add(struct look *l, const struct disk_guard *before, const struct settings *s,
	       const char *id)
{
	struct disk_use *use, *more;
	int64_t grown;

	more = realloc(l->now.seen, (l->now.n + 1) * sizeof(*more));
	if (!more) {
		return -1;
	}
	l->now.seen = more;
	use = &more[l->now.n++];
	memcpy(use->id, id, UUID_TEXT_BYTES);
	l->unwritten += disk_unwritten_bytes(s, id, &use->bytes);
	if (disk_is_broken(s, id)) {
		memcpy(l->broken, id, UUID_TEXT_BYTES);
	}
	grown = growth(before, use);
	if (grown > l->most) {
		l->most = grown;
		memcpy(l->grower, id, UUID_TEXT_BYTES);
	}
	return 0;
}

static int measure(struct look *l, const struct disk_guard *before, const struct settings *s,
		   struct err *e)
{
	DIR *dir = opendir(s->mounts_dir);
	struct dirent *d;
	int rc = 0;

	if (!dir) {
		return err_errno(e, ERR_INTERNAL, "cannot list %s", s->mounts_dir);
	}
	while (rc == 0 && l->now.n < MOUNTS_MAX && (d = readdir(dir))) {
		if (uuid_valid(d->d_name)) {
			rc = add(l, before, s, d->d_name);
		}
	}
	closedir(dir);
	return rc < 0 ? err_set(e, ERR_INTERNAL, "out of memory") : 0;
}

static void stop(struct worker *w, const char *id, const char *why)
{
	struct sandbox_row stopped;
	struct err e;

	if (sandbox_stop(w, id, why, &stopped, &e) < 0) {
		log_err(LOG_WARN, "sandbox_not_stopped_for_its_disk", &e);
	}
}

void disk_guard_look(struct disk_guard *g, struct worker *w)
{
	const struct settings *s = w->sandboxd->settings;
	struct look l = {0};
	struct err e;

	if (measure(&l, g, s, &e) < 0) {
		log_err(LOG_WARN, "disk_not_guarded", &e);
	} else if (disk_check_host(s, l.unwritten, &e) < 0 && l.grower[0] != '\0') {
		stop(w, l.grower, "the host's disk is almost full, and this one was filling it");
	}
	if (l.broken[0] != '\0') {
		stop(w, l.broken, "its disk became read-only after an error");
	}
	disk_guard_fini(g);
	*g = l.now;
}
