#include "projects/space.h"

#include "config.h"

#include <stdint.h>
#include <sys/statvfs.h>

/* Less than what keeps sandboxes from starting (sandboxd/disk.c): files are small and precious. */
#define FREE_MIN_BYTES (128LL * 1024 * 1024)

int space_check(const struct app *app, struct err *e)
{
	struct statvfs fs;

	if (config_str(app->config, CFG_DATABASE_URL)[0] != '\0') {
		return 0;
	}
	/* Where it cannot be asked nothing is refused: the database has its own words for a full
	 * disk. */
	if (statvfs(config_str(app->config, CFG_STATE_DIR), &fs) == 0 &&
	    (int64_t)(fs.f_bavail * fs.f_frsize) < FREE_MIN_BYTES) {
		return err_set(
			e, ERR_NO_SPACE,
			"the server's disk is full: nothing can be stored until its operator "
			"has made room");
	}
	return 0;
}
