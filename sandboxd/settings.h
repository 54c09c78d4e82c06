#pragma once

/* The configuration as sandboxd uses it: units turned into bytes, paths composed, accounts looked
 * up. */

#include "err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct config;

/* The limits of one kind of sandbox. */
struct profile {
	const char *name;
	bool is_app; /* a project's: network, published port, the disk of an app */
	int64_t memory_bytes;
	int64_t cpu_milli;
	int64_t pids_max;
	int64_t disk_mb;
	int64_t tmp_bytes;
};

/* The apps' network. */
struct net_settings {
	char name[80];	    /* Docker's name for it */
	char interface[16]; /* the bridge on the host */
	char chains[12];    /* what this installation's firewall chains end with */
	char subnet[20];    /* "10.213.0.0/20" */
	char gateway[16];   /* its first address, the host's */
	int cache_port;
};

struct settings {
	const char *instance; /* strings are borrowed from the config */
	const char *docker_socket;
	const char *runtime;
	const char *base_image;
	const char *sandbox_image;
	const char *node_version;
	char db_conninfo[1200];
	char run_dir[128];
	char lock_path[PATH_MAX];
	char broker_dir[128];
	char broker_socket[128];
	char disks_dir[PATH_MAX];  /* $STATE/disks: the image files */
	char mounts_dir[128];	   /* $RUN/disks */
	char sockdirs_dir[128];	   /* $RUN/sandboxes */
	char trees_dir[PATH_MAX];  /* $STATE/trees: images of dependency trees */
	char tree_mounts_dir[128]; /* $RUN/trees */
	char modules_dir[128];	   /* $RUN/modules: a sandbox's view of its tree */
	char image_dir[PATH_MAX];  /* sandbox-image/ with build-image */
	char agent_path[PATH_MAX]; /* the agent that goes into the image */
	char work_dir[PATH_MAX];   /* scratch of build-image */
	int64_t uid_base, uid_count;
	int64_t sandboxes_max, user_sandboxes_max;
	int64_t disk_budget_bytes;
	int64_t trees_budget_bytes;
	uid_t tree_uid_base; /* of those who build trees (TREE_UIDS) */
	int64_t idle_stop_s;
	int64_t run_queue;
	bool stop_sandboxes;
	struct profile script, app;
	struct net_settings net;
	int port_base, port_count;
	int64_t app_start_timeout_s, install_timeout_s;
	gid_t agents_gid; /* who may enter socket directories */
	gid_t broker_gid; /* who may open our socket */
	bool has_api_uid; /* false: there is no such account, only root may call */
	uid_t api_uid;
	bool has_router_uid;
	uid_t router_uid;
};

/* `image_dir` and `agent_path` may be NULL: those of the release. `c` must outlive the result.
 * ERR_INVALID names the key to correct. */
NODISCARD int settings_load(const struct config *c, const char *image_dir, const char *agent_path,
			    struct settings *ret, struct err *e);

/* Looks up the groups and accounts. ERR_UNAVAILABLE names the missing group. */
NODISCARD int settings_find_accounts(struct settings *s, struct err *e);

/* Makes the directories. */
NODISCARD int settings_make_dirs(const struct settings *s, struct err *e);

/* NULL when there is no such profile. */
const struct profile *settings_profile(const struct settings *s, const char *name);
