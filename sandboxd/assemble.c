#include "assemble.h"

#include "agent_health.h"
#include "clock.h"
#include "disk.h"
#include "driver.h"
#include "image_builder.h"
#include "log.h"
#include "network.h"
#include "ports.h"
#include "settings.h"
#include "sockdir.h"
#include "strbuf.h"
#include "tree.h"
#include "worker.h"

#include <stdio.h>
#include <string.h>

#define AGENT_DEADLINE_MS    10000
#define STOP_GRACE_S	     2
#define PORT_TRIES	     8
#define LAST_WORDS_MAX_BYTES 300

/* In the container (docs/ARCHITECTURE.md, "Apps"). */
#define RELAY_PORT 7411
#define APP_HOME   "/home/app"

/* Runs of one sandbox are done one at a time; more wait in its queue. */
#define RUNS_MAX 1

static int find_image(struct worker *w, char ret_id[80], struct err *e)
{
	const struct settings *s = w->sandboxd->settings;

	if (w->driver->ops->image_find(w->driver, s->sandbox_image, ret_id, e) == 0) {
		return 0;
	}
	if (e->kind != ERR_NOT_FOUND) {
		return -1;
	}
	image_builder_kick(w->sandboxd->images);
	return err_set(e, ERR_UNAVAILABLE,
		       "the sandbox image %s is missing and being built; if that fails, run "
		       "deploy.sh",
		       s->sandbox_image);
}

/* What a start has come to know. */
struct start {
	const struct sandbox_row *row;
	const struct profile *profile;
	struct assembly *a;
	char modules[PATH_MAX]; /* the mounted dependency tree, "": none */
};

/* Texts the spec points to. */
struct spec_texts {
	char workspace[PATH_MAX], home[PATH_MAX], sockdir[PATH_MAX];
	char passwd[PATH_MAX], resolv[PATH_MAX];
	char env_id[80], env_uid[40], env_runs[40], env_queue[40];
	char env_registry[80], env_start[60], env_install[60];
	char env_secret[RELAY_SECRET_BYTES + 32];
};

static struct driver_spec make_spec(const struct settings *s, const struct start *start,
				    struct spec_texts *t)
{
	const struct sandbox_row *row = start->row;
	const struct profile *profile = start->profile;

	disk_workspace_path(s, row->id, profile, t->workspace);
	sockdir_path(s, row->id, t->sockdir);
	sockdir_passwd_path(s, row->id, t->passwd);
	(void)snprintf(t->env_id, sizeof(t->env_id), "SLIPWAY_SANDBOX_ID=%s", row->id);
	(void)snprintf(t->env_uid, sizeof(t->env_uid), "SLIPWAY_UID=%u",
		       (unsigned int)row->host_uid);
	(void)snprintf(t->env_runs, sizeof(t->env_runs), "SLIPWAY_RUNS_MAX=%d", RUNS_MAX);
	(void)snprintf(t->env_queue, sizeof(t->env_queue), "SLIPWAY_RUN_QUEUE=%lld",
		       (long long)s->run_queue);
	return (struct driver_spec){
		.name = row->container_name,
		.image = start->a->image_id,
		.runtime = s->runtime,
		.hostname = "sandbox",
		.labels = {{DRIVER_LABEL_OWNER, s->instance},
			   {DRIVER_LABEL_ID, row->id},
			   {"slipway.user", row->user_id},
			   {"slipway.project", row->project_id},
			   {"slipway.profile", row->profile}},
		.env = {t->env_id, t->env_uid, t->env_runs, t->env_queue,
			"SLIPWAY_LISTEN=unix:/run/slipway/agent.sock"},
		.binds = {{t->workspace, "/workspace", false},
			  {t->sockdir, "/run/slipway", false},
			  {t->passwd, "/etc/passwd", true}},
		.memory_bytes = profile->memory_bytes,
		.cpu_milli = profile->cpu_milli,
		.pids_max = profile->pids_max,
		.tmp_bytes = profile->tmp_bytes,
	};
}

static void add_env(struct driver_spec *spec, const char *text)
{
	for (size_t i = 0; i < DRIVER_ENV_MAX; i++) {
		if (!spec->env[i]) {
			spec->env[i] = text;
			return;
		}
	}
}

static void add_bind(struct driver_spec *spec, const char *host_path, const char *path,
		     bool read_only)
{
	for (size_t i = 0; i < DRIVER_BINDS_MAX; i++) {
		if (!spec->binds[i].path) {
			spec->binds[i] = (struct driver_bind){host_path, path, read_only};
			return;
		}
	}
}

/* What an app has beyond any sandbox. */
static void add_app(const struct settings *s, const struct start *start, struct spec_texts *t,
		    struct driver_spec *spec)
{
	disk_home_path(s, start->row->id, t->home);
	sockdir_resolv_path(s, start->row->id, t->resolv);
	add_bind(spec, t->home, APP_HOME, false);
	add_bind(spec, t->resolv, "/etc/resolv.conf", true);
	if (start->modules[0] != '\0') {
		add_bind(spec, start->modules, TREE_MOUNT_POINT, false);
	}
	(void)snprintf(t->env_registry, sizeof(t->env_registry), "SLIPWAY_REGISTRY=http://%s:%d/",
		       s->net.gateway, s->net.cache_port);
	(void)snprintf(t->env_start, sizeof(t->env_start), "SLIPWAY_APP_START_TIMEOUT_S=%lld",
		       (long long)s->app_start_timeout_s);
	(void)snprintf(t->env_install, sizeof(t->env_install), "SLIPWAY_INSTALL_TIMEOUT_S=%lld",
		       (long long)s->install_timeout_s);
	(void)snprintf(t->env_secret, sizeof(t->env_secret), "SLIPWAY_RELAY_SECRET=%s",
		       start->a->relay_secret);
	add_env(spec, "SLIPWAY_HOME=" APP_HOME);
	add_env(spec, t->env_registry);
	add_env(spec, t->env_start);
	add_env(spec, t->env_install);
	add_env(spec, t->env_secret);
	spec->network = s->net.name;
	spec->container_port = RELAY_PORT;
	spec->host_port = start->a->port;
}

struct container_ctx {
	struct driver *driver;
	const char *id;
};

/* What the agent said before it ended: its container, and with it its log, is about to go. */
static int ended_early(struct container_ctx *c, const struct driver_container *now, struct err *e)
{
	auto_strbuf words;
	struct err ignored;

	strbuf_init(&words, LAST_WORDS_MAX_BYTES);
	if (c->driver->ops->last_words(c->driver, c->id, &words, &ignored) < 0) {
		strbuf_reset(&words);
	}
	for (size_t i = 0; i < words.len; i++) {
		if (words.data[i] < ' ' || words.data[i] > '~') {
			words.data[i] = ' ';
		}
	}
	return err_set(e, ERR_UPSTREAM, "the agent ended at once, with status %d%s: %s",
		       now->exit_code, now->oom_killed ? " (out of memory)" : "",
		       words.len > 0 ? words.data : "it said nothing");
}

static int still_running(void *ctx, struct err *e)
{
	struct container_ctx *c = ctx;
	struct driver_container now;

	if (c->driver->ops->inspect(c->driver, c->id, &now, e) < 0) {
		return -1;
	}
	return now.running ? 0 : ended_early(c, &now, e);
}

static int wait_for_agent(struct worker *w, const struct sandbox_row *row, const char *container_id,
			  struct err *e)
{
	struct container_ctx c = {.driver = w->driver, .id = container_id};
	char dir[PATH_MAX];

	sockdir_path(w->sandboxd->settings, row->id, dir);
	return agent_health_wait(w->agents, dir, row->agent_socket,
				 clock_mono_ms() + AGENT_DEADLINE_MS, still_running, &c, e);
}

static int64_t lap(int64_t *since_ms)
{
	int64_t now_ms = clock_mono_ms(), spent_ms = now_ms - *since_ms;

	*since_ms = now_ms;
	return spent_ms;
}

/* A container that an earlier, interrupted start left under this name is in the way. */
static int create_container(struct worker *w, const struct driver_spec *spec, char ret_id[80],
			    struct err *e)
{
	const struct driver_ops *ops = w->driver->ops;

	if (ops->create(w->driver, spec, ret_id, e) == 0) {
		return 0;
	}
	if (e->kind != ERR_CONFLICT || ops->remove(w->driver, spec->name, e) < 0) {
		return -1;
	}
	return ops->create(w->driver, spec, ret_id, e);
}

/* Where there is no tree (any more), the agent installs into the project's own disk. */
static int attach_tree(struct worker *w, struct start *start, const char *tree_key, struct err *e)
{
	const struct sandbox_row *row = start->row;
	struct err why;

	if (tree_key[0] != '\0') {
		if (tree_attach(w, row->id, tree_key, row->host_uid, start->modules, &why) == 0) {
			return 0;
		}
		log_warn("tree_not_attached", "{s:s,s:s,s:s}", "sandbox", row->id, "tree", tree_key,
			 "detail", why.text);
	}
	start->modules[0] = '\0';
	return row->tree_key[0] != '\0' || tree_key[0] != '\0' ? tree_forget(w, row->id, e) : 0;
}

static int open_disk(struct worker *w, struct start *start, const char *tree_key, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	const struct sandbox_row *row = start->row;
	const struct profile *profile = start->profile;

	if (disk_open(s, row->id, row->host_uid, profile, &start->a->fresh_disk, e) < 0 ||
	    sockdir_make(s, row->id, row->host_uid, profile->is_app ? APP_HOME : "/workspace", e) <
		    0) {
		return -1;
	}
	return row->project_id[0] != '\0' ? attach_tree(w, start, tree_key, e) : 0;
}

/* Creating takes a while: what gets mounted into the container, and what closes its network, is
 * looked at right before its first instruction. */
static int start_container(struct worker *w, const struct start *start, struct err *e)
{
	if (disk_verify(w->sandboxd->settings, start->row->id, e) < 0 ||
	    (start->profile->is_app && network_secure(w, e) < 0)) {
		return -1;
	}
	return w->driver->ops->start(w->driver, start->a->container_id, e);
}

static int run_container(struct worker *w, const struct start *start, struct err *e)
{
	int64_t since_ms = clock_mono_ms();
	struct spec_texts texts;
	struct driver_spec spec = make_spec(w->sandboxd->settings, start, &texts);

	if (start->profile->is_app) {
		add_app(w->sandboxd->settings, start, &texts, &spec);
	}
	if (create_container(w, &spec, start->a->container_id, e) < 0) {
		return -1;
	}
	start->a->create_ms = lap(&since_ms);
	if (start_container(w, start, e) < 0) {
		return -1;
	}
	start->a->start_ms = lap(&since_ms);
	return 0;
}

/* With a port that somebody else on this host has, another one is tried: the taken one rests and
 * comes last from then on. */
static int run_published(struct worker *w, const struct start *start, struct err *e)
{
	const struct sandbox_row *row = start->row;

	token_new_hex(start->a->relay_secret);
	for (int i = 0; i < PORT_TRIES; i++) {
		if (ports_take(w->db, w->sandboxd->settings, row->id, &start->a->port, e) < 0) {
			return -1;
		}
		if (run_container(w, start, e) == 0) {
			return 0;
		}
		if (e->kind != ERR_CONFLICT) {
			return -1;
		}
		log_warn("port_taken", "{s:i,s:s}", "port", start->a->port, "detail", e->text);
	}
	return err_prefix(e, "%d ports of SLIPWAY_PORT_BASE's range are taken by other programs",
			  PORT_TRIES);
}

static int build_up(struct worker *w, struct start *start, const char *tree_key, struct err *e)
{
	const struct sandbox_row *row = start->row;
	int64_t since_ms = clock_mono_ms();

	if (!start->profile) {
		return err_set(e, ERR_UNPROCESSABLE, "there is no profile %s", row->profile);
	}
	if (find_image(w, start->a->image_id, e) < 0 ||
	    (start->profile->is_app && network_secure(w, e) < 0) ||
	    open_disk(w, start, tree_key, e) < 0) {
		return -1;
	}
	start->a->disk_ms = lap(&since_ms);
	if ((row->project_id[0] != '\0' ? run_published(w, start, e) : run_container(w, start, e)) <
	    0) {
		return -1;
	}
	since_ms = clock_mono_ms();
	if (wait_for_agent(w, row, start->a->container_id, e) < 0) {
		return -1;
	}
	start->a->agent_ms = lap(&since_ms);
	return 0;
}

int assemble(struct worker *w, const struct sandbox_row *row, const char *tree_key,
	     struct assembly *ret, struct err *e)
{
	struct assembly a = {0};
	struct start start = {.row = row,
			      .profile = settings_profile(w->sandboxd->settings, row->profile),
			      .a = &a};
	struct err undo;

	if (build_up(w, &start, tree_key, e) < 0) {
		if (disassemble(w, row->id, row->container_name, &undo) < 0) {
			log_err(LOG_WARN, "sandbox_undo_failed", &undo);
		}
		return -1;
	}
	*ret = a;
	return 0;
}

static int remove_container(struct worker *w, const char *name, struct err *e)
{
	const struct driver_ops *ops = w->driver->ops;

	if (name[0] == '\0') {
		return 0;
	}
	if (ops->stop(w->driver, name, STOP_GRACE_S, e) < 0 && e->kind == ERR_UNAVAILABLE) {
		return -1;
	}
	return ops->remove(w->driver, name, e);
}

int disassemble(struct worker *w, const char *id, const char *container_name, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	struct err later;
	int rc;

	/* The mounts go after their user, and what lies on the disk before the disk. */
	if (remove_container(w, container_name, e) < 0 || tree_detach(w, id, e) < 0) {
		return -1;
	}
	rc = disk_close(s, id, e);
	if (sockdir_remove(s, id, rc < 0 ? &later : e) < 0) {
		rc = -1;
	}
	if (ports_release(w->db, id, rc < 0 ? &later : e) < 0) {
		rc = -1;
	}
	return rc;
}
