#include "custody.h"

#include "fs.h"
#include "settings.h"
#include "store.h"
#include "token.h"
#include "worker.h"

#include <stdio.h>
#include <string.h>

/* $STATE/disks.owner, beside the directory of images. */
int custody_check(struct worker *w, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	char id[UUID_TEXT_BYTES], path[PATH_MAX];
	auto_strbuf kept = {0};

	(void)snprintf(path, sizeof(path), "%.4000s.owner", s->disks_dir);
	strbuf_init(&kept, UUID_TEXT_BYTES);
	if (store_installation(w->db, id, e) < 0) {
		return -1;
	}
	if (fs_read(path, &kept, e) < 0) {
		return e->kind == ERR_NOT_FOUND ? fs_write_atomic(path, id, strlen(id), 0600, e)
						: -1;
	}
	if (strcmp(kept.data, id) != 0) {
		return err_set(
			e, ERR_CONFLICT,
			"the disks in %.200s belong to another database; nothing is removed. "
			"Set DATABASE_URL right, or delete %.200s to give them to this one",
			s->disks_dir, path);
	}
	return 0;
}
