#include "tree_build.h"

#include "agent_run.h"
#include "assemble.h"
#include "cleanup.h"
#include "clock.h"
#include "disk.h"
#include "disk_image.h"
#include "log.h"
#include "settings.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define OPEN_UP_TIMEOUT_MS 120000

/* The builder's row, which is in no table: without a project it gets no port. */
static struct sandbox_row builder_row(const struct settings *s, const struct tree_plan *plan,
				      const char *id, int slot)
{
	struct sandbox_row row = {.host_uid = s->tree_uid_base + (uid_t)slot,
				  .hydrated_version = -1};

	(void)snprintf(row.id, sizeof(row.id), "%s", id);
	(void)snprintf(row.profile, sizeof(row.profile), "app");
	(void)snprintf(row.container_name, sizeof(row.container_name), "slipway-%.60s-tree-%.16s",
		       s->instance, plan->key);
	(void)snprintf(row.agent_socket, sizeof(row.agent_socket), "%.58s/%s/agent.sock",
		       s->sockdirs_dir, id);
	return row;
}

struct watch {
	struct worker *w;
	int64_t deadline_ms;
};

static int go_on(void *ctx, struct err *e)
{
	const struct watch *watch = ctx;

	if (atomic_load(&watch->w->sandboxd->stopping)) {
		return err_set(e, ERR_UNAVAILABLE, "sandboxd ends");
	}
	if (clock_mono_ms() >= watch->deadline_ms) {
		return err_set(e, ERR_TIMEOUT, "the packages were not there in time");
	}
	return 0;
}

static int run(struct watch *watch, const char *socket, const char *const *argv, int64_t timeout_ms,
	       struct err *e)
{
	struct agent_run r = {.argv = argv, .timeout_ms = timeout_ms, .go_on = go_on, .ctx = watch};

	return agent_run(watch->w->agents, socket, &r, e);
}

/* What npm says when it is not the lockfile's fault. */
static int explain(struct err *e)
{
	static const char *const passing[] = {"code E429",	  "code E50",
					      "code ECONN",	  "code ETIMEDOUT",
					      "code ENETUNREACH", "code ERR_SOCKET"};

	for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
		if (e->kind == ERR_UNPROCESSABLE && strstr(e->text, passing[i])) {
			e->kind = ERR_UNAVAILABLE;
		}
	}
	return -1;
}

static int install(struct watch *watch, const struct tree_plan *plan, const char *socket,
		   struct err *e)
{
	/* A hash that does not fit is tried again as if the network were to blame; npm waits 10 s
	 * and more before each of four tries unless told otherwise. */
	static const char *const npm_ci[] = {"npm",
					     "ci",
					     "--ignore-scripts",
					     "--no-audit",
					     "--no-fund",
					     "--no-update-notifier",
					     "--loglevel=error",
					     "--logs-max=0",
					     "--replace-registry-host=always",
					     "--fetch-retry-mintimeout=500",
					     "--fetch-retry-maxtimeout=3000",
					     NULL};
	/* Each sandbox has another uid. npm's cache would be in the image for nothing. */
	static const char *const open_up[] = {
		"sh", "-c", "chmod -R a+rwX node_modules && rm -rf \"$HOME\"/.npm", NULL};
	struct http_client *http = watch->w->agents;
	int64_t timeout_ms = watch->w->sandboxd->settings->install_timeout_s * 1000;

	if (agent_put_file(http, socket, "package.json", plan->manifest, strlen(plan->manifest),
			   e) < 0 ||
	    agent_put_file(http, socket, "package-lock.json", plan->lockfile,
			   strlen(plan->lockfile), e) < 0) {
		return -1;
	}
	if (run(watch, socket, npm_ci, timeout_ms, e) < 0) {
		return explain(e);
	}
	return run(watch, socket, open_up, OPEN_UP_TIMEOUT_MS, e);
}

/* Moves the closed disk to its place, durable before anybody is told. */
static int seal(const struct settings *s, const char *id, const char *path, struct err *e)
{
	enum disk_condition condition;
	auto_close int image = -1;
	char disk[PATH_MAX];

	disk_image_path(s, id, disk);
	image = open(disk, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (image < 0 || fsync(image) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot seal %s", disk);
	}
	if (disk_image_condition(image, &condition, e) < 0) {
		return -1;
	}
	if (condition != DISK_CLEAN) {
		return err_set(e, ERR_INTERNAL, "the tree's disk was not closed cleanly");
	}
	if (rename(disk, path) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot move %s to %s", disk, path);
	}
	return 0;
}

static void take_away(struct worker *w, const struct sandbox_row *row)
{
	struct err e;

	/* What fails here is an orphan, which reconciling removes. */
	if (disassemble(w, row->id, row->container_name, &e) < 0 ||
	    disk_delete(w->sandboxd->settings, row->id, &e) < 0) {
		log_err(LOG_WARN, "tree_builder_not_removed", &e);
	}
}

int tree_build(struct worker *w, const struct tree_plan *plan, const char *id, int slot,
	       const char *path, int64_t deadline_ms, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	struct sandbox_row row = builder_row(s, plan, id, slot);
	struct watch watch = {.w = w, .deadline_ms = deadline_ms};
	struct assembly a;

	if (assemble(w, &row, "", &a, e) < 0 || install(&watch, plan, row.agent_socket, e) < 0 ||
	    disassemble(w, id, row.container_name, e) < 0 || seal(s, id, path, e) < 0) {
		take_away(w, &row);
		return -1;
	}
	return 0;
}
