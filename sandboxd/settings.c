#include "settings.h"

#include "config.h"
#include "fs.h"
#include "token.h"
#include "tree.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1024 * 1024LL)

/* Longest $RUN for which $RUN/sandboxes/<uuid>/agent.sock still fits a socket address (107 bytes).
 */
#define RUN_DIR_MAX_BYTES 48

/* Memory, as far as it is used: tmpfs counts for its sandbox. */
#define SCRIPT_TMP_BYTES (64 * MIB)
#define APP_TMP_BYTES	 (256 * MIB)

#define UID_RANGE_SHARED_MIN 64

/* Networks of apps have room for the host and a few sandboxes, and are no larger than a /8. */
#define SUBNET_PREFIX_MIN 8
#define SUBNET_PREFIX_MAX 28

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
	(void)snprintf(s->trees_dir, sizeof(s->trees_dir), "%s/trees", state_dir);
	(void)snprintf(s->tree_mounts_dir, sizeof(s->tree_mounts_dir), "%.60s/trees", run);
	(void)snprintf(s->modules_dir, sizeof(s->modules_dir), "%.60s/modules", run);
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

static int subnet_error(const char *subnet, struct err *e)
{
	return err_set(
		e, ERR_INVALID,
		"SLIPWAY_APP_SUBNET must be an IPv4 network such as 10.213.0.0/20, from /%d to "
		"/%d, not %.30s",
		SUBNET_PREFIX_MIN, SUBNET_PREFIX_MAX, subnet);
}

static void address_text(uint32_t address, char buf[16])
{
	struct in_addr in = {.s_addr = htonl(address)};

	(void)inet_ntop(AF_INET, &in, buf, 16);
}

/* The names are made of a hash of the instance's name, because interface names end at 15 bytes. */
static int set_network(struct net_settings *net, const char *instance, const char *subnet,
		       int cache_port, struct err *e)
{
	char address[20] = "", hash[65], again[24];
	struct in_addr in;
	unsigned int prefix = 0;
	uint32_t base, hosts;

	if (sscanf(subnet, "%15[0-9.]/%u", address, &prefix) != 2 ||
	    inet_pton(AF_INET, address, &in) != 1 || prefix < SUBNET_PREFIX_MIN ||
	    prefix > SUBNET_PREFIX_MAX) {
		return subnet_error(subnet, e);
	}
	base = ntohl(in.s_addr);
	hosts = (1U << (32 - prefix)) - 1;
	(void)snprintf(again, sizeof(again), "%s/%u", address, prefix);
	if ((base & hosts) != 0 || strcmp(again, subnet) != 0) {
		return subnet_error(subnet, e);
	}
	sha256_hex(instance, strlen(instance), hash);
	(void)snprintf(net->name, sizeof(net->name), "slipway-%.60s", instance);
	(void)snprintf(net->interface, sizeof(net->interface), "slw%.8s", hash);
	(void)snprintf(net->chains, sizeof(net->chains), "%.8s", hash);
	(void)snprintf(net->subnet, sizeof(net->subnet), "%s", subnet);
	address_text(base + 1, net->gateway);
	net->cache_port = cache_port;
	return 0;
}

/* Builders of trees have the last uids of the range, or those behind a range too small to share. */
static void set_uids(struct settings *s)
{
	if (s->uid_count > UID_RANGE_SHARED_MIN) {
		s->uid_count -= TREE_UIDS;
	}
	s->tree_uid_base = (uid_t)(s->uid_base + s->uid_count);
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
		.user_sandboxes_max = config_int(c, CFG_USER_SANDBOXES_MAX),
		.disk_budget_bytes = config_int(c, CFG_DISK_BUDGET_MB) * MIB,
		.trees_budget_bytes = config_int(c, CFG_TREES_MB) * MIB,
		.idle_stop_s = config_int(c, CFG_IDLE_STOP_S),
		.run_queue = config_int(c, CFG_RUN_QUEUE),
		.stop_sandboxes = config_bool(c, CFG_STOP_SANDBOXES),
		.script = {.name = "script",
			   .memory_bytes = config_int(c, CFG_SCRIPT_MEMORY_MB) * MIB,
			   .cpu_milli = config_int(c, CFG_SCRIPT_CPU_MILLI),
			   .pids_max = config_int(c, CFG_SCRIPT_PIDS),
			   .disk_mb = config_int(c, CFG_SCRIPT_DISK_MB),
			   .tmp_bytes = SCRIPT_TMP_BYTES},
		.app = {.name = "app",
			.is_app = true,
			.memory_bytes = config_int(c, CFG_APP_MEMORY_MB) * MIB,
			.cpu_milli = config_int(c, CFG_APP_CPU_MILLI),
			.pids_max = config_int(c, CFG_APP_PIDS),
			.disk_mb = config_int(c, CFG_APP_DISK_MB),
			.tmp_bytes = APP_TMP_BYTES},
		.port_base = (int)config_int(c, CFG_PORT_BASE),
		.port_count = (int)config_int(c, CFG_PORT_COUNT),
		.app_start_timeout_s = config_int(c, CFG_APP_START_TIMEOUT_S),
		.install_timeout_s = config_int(c, CFG_INSTALL_TIMEOUT_S),
	};
	(void)snprintf(ret->run_dir, sizeof(ret->run_dir), "%s", config_str(c, CFG_RUN_DIR));
	if (check_names(ret, state_dir, e) < 0 ||
	    set_network(&ret->net, ret->instance, config_str(c, CFG_APP_SUBNET),
			(int)config_int(c, CFG_CACHE_PORT), e) < 0) {
		return -1;
	}
	if (ret->port_base + ret->port_count > 65536) {
		return err_set(e, ERR_INVALID,
			       "SLIPWAY_PORT_BASE and SLIPWAY_PORT_COUNT reach beyond port 65535");
	}
	set_paths(ret, state_dir, image_dir, agent_path);
	set_uids(ret);
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
	struct passwd *api, *router;

	if (find_group("slipway-agents", &s->agents_gid, e) < 0 ||
	    find_group("slipway-broker", &s->broker_gid, e) < 0) {
		return -1;
	}
	api = getpwnam("slipway-api");
	s->has_api_uid = api != NULL;
	s->api_uid = api ? api->pw_uid : 0;
	router = getpwnam("slipway-router");
	s->has_router_uid = router != NULL;
	s->router_uid = router ? router->pw_uid : 0;
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
	    make_dir(s->mounts_dir, 0700, 0, e) < 0 ||
	    make_dir(s->sockdirs_dir, 0710, s->agents_gid, e) < 0 ||
	    make_dir(s->disks_dir, 0700, 0, e) < 0 || make_dir(s->trees_dir, 0700, 0, e) < 0 ||
	    make_dir(s->tree_mounts_dir, 0700, 0, e) < 0 ||
	    make_dir(s->modules_dir, 0700, 0, e) < 0) {
		return -1;
	}
	return 0;
}

const struct profile *settings_profile(const struct settings *s, const char *name)
{
	if (strcmp(name, s->script.name) == 0) {
		return &s->script;
	}
	return strcmp(name, s->app.name) == 0 ? &s->app : NULL;
}
