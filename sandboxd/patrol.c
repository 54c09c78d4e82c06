#include "agent_health.h"
#include "clock.h"
#include "disk_guard.h"
#include "keeper.h"
#include "log.h"
#include "sandbox.h"
#include "settings.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>

#define HEALTH_EVERY_MS	   5000
#define HEALTH_PATIENCE_MS 3000
#define IDLE_EVERY_MAX_MS  15000
#define GUARD_EVERY_MS	   1000

/* The ids that did not answer in the last round. */
struct silent {
	char (*ids)[UUID_TEXT_BYTES];
	size_t n;
};

static bool was_silent(const struct silent *s, const char *id)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->ids[i], id) == 0) {
			return true;
		}
	}
	return false;
}

static void note_silent(struct worker *w, const struct sandbox_row *row, const struct silent *last,
			struct silent *now)
{
	struct err e;

	if (was_silent(last, row->id)) {
		if (sandbox_stop_mute(w, row->id, &e) < 0) {
			log_err(LOG_WARN, "mute_sandbox_not_stopped", &e);
		}
		return;
	}
	memcpy(now->ids[now->n++], row->id, UUID_TEXT_BYTES);
}

static void check_health(struct worker *w, struct silent *last)
{
	struct agent_health health;
	struct sandbox_row *rows = NULL;
	struct silent now = {0};
	size_t n = 0;
	struct err e;

	if (store_list(w->db, &rows, &n, &e) < 0) {
		log_err(LOG_WARN, "health_not_checked", &e);
		return;
	}
	now.ids = calloc(n + 1, sizeof(*now.ids));
	for (size_t i = 0; now.ids && i < n && !atomic_load(&w->sandboxd->stopping); i++) {
		if (rows[i].state == SANDBOX_RUNNING &&
		    agent_health_get(w->agents, rows[i].agent_socket, HEALTH_PATIENCE_MS, &health,
				     &e) < 0) {
			note_silent(w, &rows[i], last, &now);
		}
	}
	free(rows);
	free(last->ids);
	*last = now;
}

static void stop_idle(struct worker *w)
{
	char(*ids)[UUID_TEXT_BYTES] = NULL;
	size_t n = 0;
	struct err e;

	if (store_list_idle(w->db, w->sandboxd->settings->idle_stop_s, NULL, &ids, &n, &e) < 0) {
		log_err(LOG_WARN, "idle_not_checked", &e);
		return;
	}
	for (size_t i = 0; i < n && !atomic_load(&w->sandboxd->stopping); i++) {
		bool stopped;

		if (sandbox_stop_idle(w, ids[i], w->sandboxd->settings->idle_stop_s, &stopped, &e) <
		    0) {
			log_err(LOG_WARN, "idle_sandbox_not_stopped", &e);
		}
	}
	free(ids);
}

static int64_t earliest(int64_t a, int64_t b, int64_t c)
{
	int64_t first = a < b ? a : b;

	return first < c ? first : c;
}

void *patrol_run(void *sandboxd)
{
	struct sandboxd *d = sandboxd;
	int64_t idle_every_ms = d->settings->idle_stop_s * 1000 / 4;
	int64_t next_health_ms = clock_mono_ms() + HEALTH_EVERY_MS;
	int64_t next_idle_ms = clock_mono_ms();
	int64_t next_guard_ms = clock_mono_ms();
	struct disk_guard guard = {0};
	struct silent silent = {0};
	struct worker w;
	struct err e;

	if (worker_init(&w, d, "slipway-sandboxd patrol", &e) < 0) {
		log_err(LOG_ERROR, "patrol_not_started", &e);
		return NULL;
	}
	idle_every_ms = idle_every_ms < IDLE_EVERY_MAX_MS ? idle_every_ms : IDLE_EVERY_MAX_MS;
	do {
		if (clock_mono_ms() >= next_health_ms) {
			check_health(&w, &silent);
			next_health_ms = clock_mono_ms() + HEALTH_EVERY_MS;
		}
		if (clock_mono_ms() >= next_idle_ms) {
			stop_idle(&w);
			next_idle_ms = clock_mono_ms() + idle_every_ms;
		}
		if (clock_mono_ms() >= next_guard_ms) {
			disk_guard_look(&guard, &w);
			next_guard_ms = clock_mono_ms() + GUARD_EVERY_MS;
		}
	} while (!worker_wait(&w, earliest(next_guard_ms, next_idle_ms, next_health_ms)));
	disk_guard_fini(&guard);
	free(silent.ids);
	worker_fini(&w);
	return NULL;
}
