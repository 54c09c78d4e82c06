#include "check.h"

#include "driver.h"
#include "settings.h"
#include "store.h"
#include "worker.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PING_MS 5000

static int say(const char *what, int rc, const struct err *e)
{
	(void)printf("%-9s %s%s%s\n", rc == 0 ? "ok" : "PROBLEM", what, rc == 0 ? "" : ": ",
		     rc == 0 ? "" : e->text);
	return rc;
}

static int check_root(struct err *e)
{
	if (geteuid() != 0) {
		return err_set(e, ERR_FORBIDDEN, "sandboxd mounts disks and must run as root");
	}
	return 0;
}

static int check_loop(struct err *e)
{
	if (access("/dev/loop-control", R_OK | W_OK) < 0) {
		return err_errno(e, ERR_UNAVAILABLE,
				 "cannot use /dev/loop-control (modprobe loop)");
	}
	return 0;
}

static int check_script(const struct settings *s, struct err *e)
{
	char path[PATH_MAX + 16];

	(void)snprintf(path, sizeof(path), "%s/build-image", s->image_dir);
	if (access(path, X_OK) < 0) {
		return err_errno(e, ERR_UNAVAILABLE, "cannot run %s", path);
	}
	return 0;
}

int check_run(struct settings *s)
{
	struct sandboxd d = {.settings = s};
	char image[DRIVER_ID_BYTES];
	struct worker w;
	struct err e = {0};
	int bad = 0;

	bad |= say("runs as root", check_root(&e), &e);
	bad |= say("groups", settings_find_accounts(s, &e), &e);
	bad |= say("loop devices", check_loop(&e), &e);
	bad |= say("sandbox-image/build-image", check_script(s, &e), &e);
	if (worker_init(&w, &d, "slipway-sandboxd check", &e) < 0) {
		return say("memory", -1, &e);
	}
	bad |= say("Docker", w.driver->ops->ping(w.driver, PING_MS, &e), &e);
	bad |= say("sandbox image",
		   w.driver->ops->image_find(w.driver, s->sandbox_image, image, &e), &e);
	bad |= say("PostgreSQL", store_ping(w.db, &e), &e);
	worker_fini(&w);
	return bad == 0 ? 0 : -1;
}
