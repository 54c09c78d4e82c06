#include "sandbox.h"

#include "agent_health.h"
#include "assemble.h"
#include "clock.h"
#include "disk.h"
#include "driver.h"
#include "jobs.h"
#include "log.h"
#include "places.h"
#include "settings.h"
#include "tree.h"
#include "worker.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* Longer than a start may take, so that a second caller gets the first one's sandbox. */
#define LOCK_PATIENCE_MS     45000
#define HEALTH_PATIENCE_MS   2000
#define IDLE_HEALTH_PATIENCE 3000
#define START_PING_MS	     2000

static void owner_key(const char *user_id, const char *project_id, char key[KEYLOCK_KEY_BYTES])
{
	if (project_id && project_id[0] != '\0') {
		(void)snprintf(key, KEYLOCK_KEY_BYTES, "project:%s", project_id);
	} else {
		(void)snprintf(key, KEYLOCK_KEY_BYTES, "user:%s", user_id);
	}
}

/* Reads the row, takes its owner's lock, and reads it again: it may have changed before. */
static int lock_row(struct worker *w, const char *id, char key[KEYLOCK_KEY_BYTES],
		    struct sandbox_row *row, struct err *e)
{
	if (store_find(w->db, id, row, e) < 0) {
		return -1;
	}
	owner_key(row->user_id, row->project_id, key);
	if (keylock_take(&w->sandboxd->locks, key, clock_mono_ms() + LOCK_PATIENCE_MS, e) < 0) {
		return -1;
	}
	if (store_find(w->db, id, row, e) < 0) {
		keylock_release(&w->sandboxd->locks, key);
		return -1;
	}
	return 0;
}

/* Like lock_row, but only when nobody holds the lock. Returns 0 with the lock, 1 without. */
static int try_lock_row(struct worker *w, const char *id, char key[KEYLOCK_KEY_BYTES],
			struct sandbox_row *row, struct err *e)
{
	if (store_find(w->db, id, row, e) < 0) {
		return e->kind == ERR_NOT_FOUND ? 1 : -1;
	}
	owner_key(row->user_id, row->project_id, key);
	if (!keylock_try(&w->sandboxd->locks, key)) {
		return 1;
	}
	if (store_find(w->db, id, row, e) < 0) {
		keylock_release(&w->sandboxd->locks, key);
		return e->kind == ERR_NOT_FOUND ? 1 : -1;
	}
	return 0;
}

static int check_not_cancelled(const struct cancellation *c, struct err *e)
{
	return c && c->is_cancelled(c->ctx) ? err_set(e, ERR_CANCELLED, "given up") : 0;
}

static void log_sandbox(const char *event, const struct sandbox_row *row, const char *why)
{
	log_info(event, "{s:s,s:s,s:s}", "sandbox", row->id, "user", row->user_id, "why", why);
}

/* Counting and taking a place are one step, or two callers would both take the last. */
static int claim_place(struct worker *w, const struct sandbox_row *row, struct err *e)
{
	int rc;

	pthread_mutex_lock(&w->sandboxd->claim_mutex);
	rc = places_check(w, row->user_id, e);
	if (rc == 0) {
		rc = store_set_starting(w->db, row->id, e);
	}
	pthread_mutex_unlock(&w->sandboxd->claim_mutex);
	return rc;
}

static const char *profile_of(const char *project_id)
{
	return project_id ? "app" : "script";
}

static int insert_row(struct worker *w, const char *user_id, const char *project_id,
		      struct sandbox_row *ret, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	struct sandbox_row row = {0};
	int rc;

	uuid_new(row.id);
	(void)snprintf(row.user_id, sizeof(row.user_id), "%s", user_id);
	(void)snprintf(row.project_id, sizeof(row.project_id), "%s", project_id ? project_id : "");
	(void)snprintf(row.profile, sizeof(row.profile), "%s", profile_of(project_id));
	(void)snprintf(row.container_name, sizeof(row.container_name), "slipway-%.60s-%s",
		       s->instance, row.id);
	(void)snprintf(row.agent_socket, sizeof(row.agent_socket), "%.58s/%s/agent.sock",
		       s->sockdirs_dir, row.id);
	pthread_mutex_lock(&w->sandboxd->claim_mutex);
	rc = store_insert(w->db, &row, s->uid_base, s->uid_count, e);
	pthread_mutex_unlock(&w->sandboxd->claim_mutex);
	if (rc < 0) {
		return -1;
	}
	*ret = row;
	return 0;
}

/* Rows are made without their owner's lock too: then whoever was first made it. */
static int find_or_insert(struct worker *w, const char *user_id, const char *project_id,
			  struct sandbox_row *ret, struct err *e)
{
	if (store_find_owned(w->db, user_id, project_id, ret, e) == 0) {
		return 0;
	}
	if (e->kind != ERR_NOT_FOUND) {
		return -1;
	}
	if (insert_row(w, user_id, project_id, ret, e) == 0) {
		return 0;
	}
	return e->kind == ERR_CONFLICT ? store_find_owned(w->db, user_id, project_id, ret, e) : -1;
}

static int start_claimed(struct worker *w, struct sandbox_row *row, const char *tree_key,
			 struct err *e)
{
	struct assembly a;

	/* Forgotten before the disk exists: a crash in between must not leave a claim on contents.
	 */
	if (!disk_exists(w->sandboxd->settings, row->id) &&
	    store_forget_contents(w->db, row->id, e) < 0) {
		return -1;
	}
	if (assemble(w, row, tree_key, &a, e) < 0) {
		return -1;
	}
	if ((a.fresh_disk && store_forget_contents(w->db, row->id, e) < 0) ||
	    store_set_running(w->db, row->id, a.container_id, a.image_id, a.port, a.relay_secret,
			      e) < 0) {
		struct err undo;

		if (disassemble(w, row->id, row->container_name, &undo) < 0) {
			log_err(LOG_WARN, "sandbox_undo_failed", &undo);
		}
		return -1;
	}
	log_info("sandbox_started", "{s:s,s:s,s:b,s:I,s:I,s:I,s:I,s:I}", "sandbox", row->id, "user",
		 row->user_id, "fresh_disk", a.fresh_disk, "disk_ms", (json_int_t)a.disk_ms,
		 "create_ms", (json_int_t)a.create_ms, "start_ms", (json_int_t)a.start_ms,
		 "agent_ms", (json_int_t)a.agent_ms, "total_ms",
		 (json_int_t)(a.disk_ms + a.create_ms + a.start_ms + a.agent_ms));
	return 0;
}

static int start_locked(struct worker *w, struct sandbox_row *row, const char *tree_key,
			struct err *e)
{
	struct err told;

	/* A Docker that hangs is told at once; each step of a start would wait for longer. */
	if (w->driver->ops->ping(w->driver, START_PING_MS, e) < 0 || claim_place(w, row, e) < 0) {
		return -1;
	}
	if (start_claimed(w, row, tree_key, e) < 0) {
		log_err(LOG_WARN, "sandbox_start_failed", e);
		/* Should this fail too, settling finds the row in 'starting' with nobody at work.
		 */
		if (store_set_failed(w->db, row->id, e->text, &told) < 0) {
			log_err(LOG_WARN, "sandbox_row_not_written", &told);
		}
		return -1;
	}
	return store_find(w->db, row->id, row, e);
}

static int stop_locked(struct worker *w, struct sandbox_row *row, const char *why, struct err *e)
{
	if (store_set_stopping(w->db, row->id, e) < 0 ||
	    disassemble(w, row->id, row->container_name, e) < 0 ||
	    store_set_stopped(w->db, row->id, e) < 0) {
		return -1;
	}
	jobs_look_again(w->sandboxd->jobs);
	log_sandbox("sandbox_stopped", row, why);
	return store_find(w->db, row->id, row, e);
}

static int delete_locked(struct worker *w, struct sandbox_row *row, struct err *e)
{
	/* The row goes last: as long as it is there, everything else has an owner. */
	if (store_set_stopping(w->db, row->id, e) < 0 ||
	    disassemble(w, row->id, row->container_name, e) < 0 ||
	    disk_delete(w->sandboxd->settings, row->id, e) < 0 ||
	    store_delete(w->db, row->id, e) < 0) {
		return -1;
	}
	jobs_look_again(w->sandboxd->jobs);
	log_sandbox("sandbox_deleted", row, "");
	return 0;
}

/* Whether the row speaks the truth: its container runs and the agent answers. */
static bool answers(struct worker *w, const struct sandbox_row *row)
{
	struct agent_health health;
	struct err ignored;

	return agent_health_get(w->agents, row->agent_socket, HEALTH_PATIENCE_MS, &health,
				&ignored) == 0;
}

/* The tree of the project's newest version, if there is one: nobody waits for a build here. */
static void find_tree(struct worker *w, const char *project_id, char key[TREE_KEY_BYTES])
{
	struct tree_plan plan;
	struct err e;

	key[0] = '\0';
	if (project_id && tree_plan(w, project_id, &plan, &e) == 0) {
		(void)snprintf(key, TREE_KEY_BYTES, "%s", plan.key);
		tree_plan_fini(&plan);
	}
}

static bool is_current(struct worker *w, const struct sandbox_row *row, const char *tree_key)
{
	return row->state == SANDBOX_RUNNING &&
	       (!tree_key || strcmp(row->tree_key, tree_key) == 0) && answers(w, row);
}

static int ensure_locked(struct worker *w, const char *user_id, const char *project_id,
			 const char *tree_key, struct sandbox_row *row, struct err *e)
{
	char key[TREE_KEY_BYTES], phase[sizeof(row->phase)];

	if (find_or_insert(w, user_id, project_id, row, e) < 0) {
		return -1;
	}
	if ((row->unwanted || strcmp(row->profile, profile_of(project_id)) != 0) &&
	    (delete_locked(w, row, e) < 0 || find_or_insert(w, user_id, project_id, row, e) < 0)) {
		return -1;
	}
	if (is_current(w, row, tree_key)) {
		return store_touch(w->db, row->id, e);
	}
	(void)snprintf(phase, sizeof(phase), "%s", row->phase);
	if (row->state != SANDBOX_STOPPED && row->state != SANDBOX_FAILED &&
	    (stop_locked(w, row, "made anew: another tree, or its agent does not answer", e) < 0 ||
	     store_set_phase(w->db, row->id, phase, e) < 0)) {
		return -1;
	}
	if (!tree_key) {
		find_tree(w, project_id, key);
	}
	return start_locked(w, row, tree_key ? tree_key : key, e);
}

int sandbox_ensure(struct worker *w, const char *user_id, const char *project_id,
		   const char *tree_key, const struct cancellation *c, struct sandbox_row *ret,
		   struct err *e)
{
	char key[KEYLOCK_KEY_BYTES];
	struct sandbox_row row;
	int rc;

	owner_key(user_id, project_id, key);
	if (keylock_take(&w->sandboxd->locks, key, clock_mono_ms() + LOCK_PATIENCE_MS, e) < 0) {
		return -1;
	}
	rc = check_not_cancelled(c, e);
	if (rc == 0) {
		rc = store_check_owner(w->db, user_id, project_id, e);
	}
	if (rc == 0) {
		rc = ensure_locked(w, user_id, project_id, tree_key, &row, e);
	}
	keylock_release(&w->sandboxd->locks, key);
	if (rc < 0) {
		return -1;
	}
	*ret = row;
	return 0;
}

int sandbox_of_project(struct worker *w, const char *user_id, const char *project_id,
		       struct sandbox_row *ret, struct err *e)
{
	if (store_check_owner(w->db, user_id, project_id, e) < 0) {
		return -1;
	}
	return find_or_insert(w, user_id, project_id, ret, e);
}

/* Before the lock is taken: whoever holds it may be the start that is to be given up. */
static int cancel_and_lock(struct worker *w, const char *id, char key[KEYLOCK_KEY_BYTES],
			   struct sandbox_row *row, struct err *e)
{
	if (store_find(w->db, id, row, e) < 0) {
		return -1;
	}
	jobs_cancel(w->sandboxd->jobs, row->project_id);
	return lock_row(w, id, key, row, e);
}

int sandbox_stop(struct worker *w, const char *id, const char *why, struct sandbox_row *ret,
		 struct err *e)
{
	char key[KEYLOCK_KEY_BYTES];
	struct sandbox_row row;
	int rc;

	if (cancel_and_lock(w, id, key, &row, e) < 0) {
		return -1;
	}
	rc = stop_locked(w, &row, why, e);
	keylock_release(&w->sandboxd->locks, key);
	if (rc < 0) {
		return -1;
	}
	*ret = row;
	return 0;
}

int sandbox_set_phase(struct worker *w, const char *id, const char *phase,
		      const struct cancellation *c, struct err *e)
{
	char key[KEYLOCK_KEY_BYTES];
	struct sandbox_row row;
	int rc;

	if (lock_row(w, id, key, &row, e) < 0) {
		return -1;
	}
	rc = check_not_cancelled(c, e);
	if (rc == 0) {
		rc = store_set_phase(w->db, id, phase, e);
	}
	keylock_release(&w->sandboxd->locks, key);
	return rc;
}

int sandbox_fail(struct worker *w, const char *id, const char *why, const struct cancellation *c,
		 struct err *e)
{
	char key[KEYLOCK_KEY_BYTES];
	struct sandbox_row row;
	int rc;

	if (lock_row(w, id, key, &row, e) < 0) {
		return e->kind == ERR_NOT_FOUND ? 0 : -1;
	}
	rc = check_not_cancelled(c, e);
	if (rc == 0 && row.state != SANDBOX_STOPPED && row.state != SANDBOX_FAILED) {
		rc = stop_locked(w, &row, why, e);
	}
	if (rc == 0) {
		rc = store_set_failed(w->db, id, why, e);
	}
	keylock_release(&w->sandboxd->locks, key);
	return rc;
}

int sandbox_delete(struct worker *w, const char *id, struct err *e)
{
	char key[KEYLOCK_KEY_BYTES];
	struct sandbox_row row;
	int rc;

	if (cancel_and_lock(w, id, key, &row, e) < 0) {
		return -1;
	}
	rc = delete_locked(w, &row, e);
	keylock_release(&w->sandboxd->locks, key);
	return rc;
}

/* Whether the row's own container runs. */
static int is_up(struct worker *w, const struct sandbox_row *row, bool *ret, struct err *e)
{
	struct driver_container c;

	if (w->driver->ops->inspect(w->driver, row->container_name, &c, e) < 0) {
		if (e->kind != ERR_NOT_FOUND) {
			return -1;
		}
		*ret = false;
		return 0;
	}
	*ret = c.running && strcmp(c.id, row->container_id) == 0;
	return 0;
}

static int settle_locked(struct worker *w, struct sandbox_row *row, struct err *e)
{
	bool up = false;

	if (row->unwanted) {
		return delete_locked(w, row, e);
	}
	switch (row->state) {
	case SANDBOX_STARTING:
	case SANDBOX_STOPPING:
		return stop_locked(w, row, "left half done", e);
	case SANDBOX_RUNNING:
		if (is_up(w, row, &up, e) < 0) {
			return -1;
		}
		return up ? 0 : stop_locked(w, row, "its container is gone", e);
	case SANDBOX_STOPPED:
	case SANDBOX_FAILED:
		return disassemble(w, row->id, row->container_name, e);
	}
	return 0;
}

int sandbox_settle(struct worker *w, const char *id, struct err *e)
{
	char key[KEYLOCK_KEY_BYTES];
	struct sandbox_row row;
	int rc = try_lock_row(w, id, key, &row, e);

	if (rc != 0) {
		return rc < 0 ? -1 : 0;
	}
	rc = settle_locked(w, &row, e);
	keylock_release(&w->sandboxd->locks, key);
	return rc;
}

/* The row turns first, so that from then on callers ask us; then the agent says whether it is idle.
 */
static int stop_idle_locked(struct worker *w, struct sandbox_row *row, int64_t idle_s,
			    bool *ret_stopped, struct err *e)
{
	struct agent_health health = {0};
	bool turned;

	*ret_stopped = false;
	if (store_begin_idle_stop(w->db, row->id, idle_s, &turned, e) < 0) {
		return -1;
	}
	if (!turned) {
		return 0;
	}
	if (agent_health_get(w->agents, row->agent_socket, IDLE_HEALTH_PATIENCE, &health, e) == 0 &&
	    agent_health_is_busy(&health)) {
		return store_end_idle_stop(w->db, row->id, e);
	}
	if (stop_locked(w, row, "idle", e) < 0) {
		return -1;
	}
	*ret_stopped = true;
	return 0;
}

int sandbox_stop_idle(struct worker *w, const char *id, int64_t idle_s, bool *ret_stopped,
		      struct err *e)
{
	char key[KEYLOCK_KEY_BYTES];
	struct sandbox_row row;
	int rc = try_lock_row(w, id, key, &row, e);

	*ret_stopped = false;
	if (rc != 0) {
		return rc < 0 ? -1 : 0;
	}
	rc = stop_idle_locked(w, &row, idle_s, ret_stopped, e);
	keylock_release(&w->sandboxd->locks, key);
	return rc;
}

int sandbox_stop_mute(struct worker *w, const char *id, struct err *e)
{
	char key[KEYLOCK_KEY_BYTES];
	struct sandbox_row row;
	int rc = try_lock_row(w, id, key, &row, e);

	if (rc != 0) {
		return rc < 0 ? -1 : 0;
	}
	if (row.state == SANDBOX_RUNNING && !answers(w, &row)) {
		rc = stop_locked(w, &row, "its agent does not answer", e);
	}
	keylock_release(&w->sandboxd->locks, key);
	return rc;
}

int sandbox_purge(struct worker *w, const char *id, struct err *e)
{
	struct sandbox_row row;
	char name[128];

	if (store_find(w->db, id, &row, e) == 0) {
		return 0;
	}
	if (e->kind != ERR_NOT_FOUND) {
		return -1;
	}
	(void)snprintf(name, sizeof(name), "slipway-%.60s-%s", w->sandboxd->settings->instance, id);
	if (disassemble(w, id, name, e) < 0 || disk_delete(w->sandboxd->settings, id, e) < 0) {
		return -1;
	}
	log_warn("orphan_removed", "{s:s}", "sandbox", id);
	return 0;
}
