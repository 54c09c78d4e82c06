#include "settings.h"

#include "config.h"
#include "fs.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1024 * 1024)

/* Longest $RUN for which $RUN/sandboxes/<uuid>/agent.sock still fits a socket address (107 bytes).
 */
#define RUN_DIR_MAX_BYTES 48

static int check_names(const struct settings *s, const char *state_dir, struct err *e)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_.-";

	if (strspn(s->instance, allowed) != strlen(s->instance) || s->instance[0] == '.' ||
	    s->instance[0] == '-') {
		return err_set(e, ERR_INVALID,
			       "SLIPWAY_INSTANCE may hold lower-case letters, digits and _.- only");
	}
	if (s->run_dir[0] != '/' || state_dir[0] != '/') {
		return err_set(e, ERR_INVALID,
			       "SLIPWAY_RUN_DIR and SLIPWAY_STATE_DIR must be absolute paths");
	}
	if (strlen(s->run_dir) > RUN_DIR_MAX_BYTES) {
		return err_set(
			e, ERR_INVALID,
			"SLIPWAY_RUN_DIR is longer than %d bytes: socket paths would not fit",
			RUN_DIR_MAX_BYTES);
	}
	return 0;
}

static void set_paths(struct settings *s, const char *state_dir, const char *image_dir,
		      const char *agent_path)
{
	const char *run = s->run_dir;

	(void)snprintf(s->lock_path, sizeof(s->lock_path), "%s/sandboxd.lock", state_dir);
	(void)snprintf(s->disks_dir, sizeof(s->disks_dir), "%s/disks", state_dir);
	(void)snprintf(s->work_dir, sizeof(s->work_dir), "%s/image-build", state_dir);
	(void)snprintf(s->broker_dir, sizeof(s->broker_dir), "%.60s/broker", run);
	(void)snprintf(s->broker_socket, sizeof(s->broker_socket), "%.60s/broker/sandboxd.sock",
		       run);
	(void)snprintf(s->mounts_dir, sizeof(s->mounts_dir), "%.60s/disks", run);
	(void)snprintf(s->sockdirs_dir, sizeof(s->sockdirs_dir), "%.60s/sandboxes", run);
	if (image_dir) {
		(void)snprintf(s->image_dir, sizeof(s->image_dir), "%s", image_dir);
	} else {
		(void)snprintf(s->image_dir, sizeof(s->image_dir), "%s/release/sandbox-image",
			       state_dir);
	}
	if (agent_path) {
		(void)snprintf(s->agent_path, sizeof(s->agent_path), "%s", agent_path);
	} else {
		(void)snprintf(s->agent_path, sizeof(s->agent_path), "%s/release/bin/slipway-agent",
			       state_dir);
	}
}

static void set_database(struct settings *s, const struct config *c)
{
	const char *url = config_str(c, CFG_DATABASE_URL);

	if (url[0] != '\0') {
		(void)snprintf(s->db_conninfo, sizeof(s->db_conninfo), "%s", url);
	} else {
		(void)snprintf(s->db_conninfo, sizeof(s->db_conninfo),
			       "host=%s/postgres dbname=slipway user=slipway_sandboxd", s->run_dir);
	}
}

int settings_load(const struct config *c, const char *image_dir, const char *agent_path,
		  struct settings *ret, struct err *e)
{
	const char *state_dir = config_str(c, CFG_STATE_DIR);

	*ret = (struct settings){
		.instance = config_str(c, CFG_INSTANCE),
		.docker_socket = config_str(c, CFG_DOCKER_SOCKET),
		.runtime = config_str(c, CFG_RUNTIME),
		.base_image = config_str(c, CFG_BASE_IMAGE),
		.sandbox_image = config_str(c, CFG_SANDBOX_IMAGE),
		.node_version = config_str(c, CFG_NODE_VERSION),
		.uid_base = config_int(c, CFG_UID_BASE),
		.uid_count = config_int(c, CFG_UID_COUNT),
		.sandboxes_max = config_int(c, CFG_SANDBOXES_MAX),
		.disk_budget_bytes = config_int(c, CFG_DISK_BUDGET_MB) * MIB,
		.idle_stop_s = config_int(c, CFG_IDLE_STOP_S),
		.run_queue = config_int(c, CFG_RUN_QUEUE),
		.stop_sandboxes = config_bool(c, CFG_STOP_SANDBOXES),
		.script = {.name = "script",
			   .memory_bytes = config_int(c, CFG_SCRIPT_MEMORY_MB) * MIB,
			   .cpu_milli = config_int(c, CFG_SCRIPT_CPU_MILLI),
			   .pids_max = config_int(c, CFG_SCRIPT_PIDS),
			   .disk_mb = config_int(c, CFG_SCRIPT_DISK_MB)},
	};
	(void)snprintf(ret->run_dir, sizeof(ret->run_dir), "%s", config_str(c, CFG_RUN_DIR));
	if (check_names(ret, state_dir, e) < 0) {
		return -1;
	}
	set_paths(ret, state_dir, image_dir, agent_path);
	set_database(ret, c);
	return 0;
}

static int find_group(const char *name, gid_t *ret, struct err *e)
{
	struct group *g;

	errno = 0;
	g = getgrnam(name);
	if (!g) {
		return err_set(e, ERR_UNAVAILABLE,
			       "there is no group %s: deploy.sh makes it (groupadd --system %s)",
			       name, name);
	}
	*ret = g->gr_gid;
	return 0;
}

int settings_find_accounts(struct settings *s, struct err *e)
{
	struct passwd *api;

	if (find_group("slipway-agents", &s->agents_gid, e) < 0 ||
	    find_group("slipway-broker", &s->broker_gid, e) < 0) {
		return -1;
	}
	api = getpwnam("slipway-api");
	s->has_api_uid = api != NULL;
	s->api_uid = api ? api->pw_uid : 0;
	return 0;
}

/* The directory as it must be, also when it was there with another mode. */
static int make_dir(const char *path, mode_t mode, gid_t gid, struct err *e)
{
	if (fs_mkdirs(path, 0755, e) < 0) {
		return -1;
	}
	if (chown(path, 0, gid) < 0 || chmod(path, mode) < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot set owner and mode of %s", path);
	}
	return 0;
}

int settings_make_dirs(const struct settings *s, struct err *e)
{
	if (fs_mkdirs(s->run_dir, 0755, e) < 0 ||
	    make_dir(s->broker_dir, 0750, s->broker_gid, e) < 0 ||
	    make_dir(s->mounts_dir, 0700, 0, e) < 0 || make_dir(s->sockdirs_dir, 0711, 0, e) < 0 ||
	    make_dir(s->disks_dir, 0700, 0, e) < 0) {
		return -1;
	}
	return 0;
}

const struct profile *settings_profile(const struct settings *s, const char *name)
{
	return strcmp(name, s->script.name) == 0 ? &s->script : NULL;
}
