#include "assemble.h"

#include "agent_health.h"
#include "clock.h"
#include "disk.h"
#include "driver.h"
#include "image_builder.h"
#include "log.h"
#include "settings.h"
#include "sockdir.h"
#include "strbuf.h"
#include "worker.h"

#include <stdio.h>
#include <string.h>

#define AGENT_DEADLINE_MS    10000
#define STOP_GRACE_S	     2
#define TMP_BYTES	     (64LL * 1024 * 1024)
#define LAST_WORDS_MAX_BYTES 300

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

/* Texts the spec points to. */
struct spec_texts {
	char disk[PATH_MAX], sockdir[PATH_MAX], passwd[PATH_MAX];
	char env_id[80], env_uid[40], env_runs[40], env_queue[40];
};

static struct driver_spec make_spec(const struct settings *s, const struct sandbox_row *row,
				    const struct profile *profile, const char *image_id,
				    struct spec_texts *t)
{
	disk_mount_path(s, row->id, t->disk);
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
		.image = image_id,
		.runtime = s->runtime,
		.hostname = "sandbox",
		.labels = {{DRIVER_LABEL_OWNER, s->instance},
			   {DRIVER_LABEL_ID, row->id},
			   {"slipway.user", row->user_id},
			   {"slipway.project", row->project_id},
			   {"slipway.profile", row->profile}},
		.env = {t->env_id, t->env_uid, t->env_runs, t->env_queue,
			"SLIPWAY_LISTEN=unix:/run/slipway/agent.sock"},
		.binds = {{t->disk, "/workspace", false},
			  {t->sockdir, "/run/slipway", false},
			  {t->passwd, "/etc/passwd", true}},
		.memory_bytes = profile->memory_bytes,
		.cpu_milli = profile->cpu_milli,
		.pids_max = profile->pids_max,
		.tmp_bytes = TMP_BYTES,
	};
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

static int build_up(struct worker *w, const struct sandbox_row *row, struct assembly *a,
		    struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	const struct profile *profile = settings_profile(s, row->profile);
	int64_t since_ms = clock_mono_ms();
	struct driver_spec spec;
	struct spec_texts texts;

	if (!profile) {
		return err_set(e, ERR_UNPROCESSABLE, "there is no profile %s", row->profile);
	}
	if (find_image(w, a->image_id, e) < 0 ||
	    disk_open(s, row->id, row->host_uid, profile->disk_mb, &a->fresh_disk, e) < 0 ||
	    sockdir_make(s, row->id, row->host_uid, e) < 0) {
		return -1;
	}
	a->disk_ms = lap(&since_ms);
	spec = make_spec(s, row, profile, a->image_id, &texts);
	if (create_container(w, &spec, a->container_id, e) < 0) {
		return -1;
	}
	a->create_ms = lap(&since_ms);
	/* Creating took a while: what gets mounted into the container is looked at right before. */
	if (disk_verify(s, row->id, e) < 0 ||
	    w->driver->ops->start(w->driver, a->container_id, e) < 0) {
		return -1;
	}
	a->start_ms = lap(&since_ms);
	if (wait_for_agent(w, row, a->container_id, e) < 0) {
		return -1;
	}
	a->agent_ms = lap(&since_ms);
	return 0;
}

int assemble(struct worker *w, const struct sandbox_row *row, struct assembly *ret, struct err *e)
{
	struct assembly a = {0};
	struct err undo;

	if (build_up(w, row, &a, e) < 0) {
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
	int rc = 0;

	/* The mounts go after their user. */
	if (remove_container(w, container_name, e) < 0) {
		return -1;
	}
	rc = disk_close(s, id, e);
	if (sockdir_remove(s, id, rc < 0 ? &later : e) < 0) {
		rc = -1;
	}
	return rc;
}
