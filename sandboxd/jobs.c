#include "jobs.h"

#include "clock.h"
#include "log.h"
#include "settings.h"
#include "start_app.h"
#include "token.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JOBS_MAX	  256
#define RETRY_MS	  1000 /* a sandbox may have become idle */
#define PLACE_PATIENCE_MS 60000

struct job {
	char project_id[UUID_TEXT_BYTES]; /* "": a free place */
	char user_id[UUID_TEXT_BYTES];
	bool at_work; /* a thread has it */
	bool restart; /* asked for and not done yet */
	bool again;   /* asked for once more while at work */
	bool cancelled;
	int64_t due_ms; /* not before */
	/* When it has waited long enough for what start_app() tells; 0: it has not waited. */
	int64_t give_up_ms[START_OUTCOMES];
	uint64_t order; /* of submission */
};

struct jobs {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct job jobs[JOBS_MAX];
	uint64_t submitted;
	bool ending;
};

struct jobs *jobs_create(void)
{
	struct jobs *j = calloc(1, sizeof(*j));
	pthread_condattr_t attr;

	if (!j) {
		return NULL;
	}
	pthread_mutex_init(&j->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&j->changed, &attr);
	pthread_condattr_destroy(&attr);
	return j;
}

void jobs_destroy(struct jobs *j)
{
	if (!j) {
		return;
	}
	pthread_cond_destroy(&j->changed);
	pthread_mutex_destroy(&j->mutex);
	free(j);
}

static struct job *find(struct jobs *j, const char *project_id)
{
	for (size_t i = 0; i < JOBS_MAX; i++) {
		if (strcmp(j->jobs[i].project_id, project_id) == 0) {
			return &j->jobs[i];
		}
	}
	return NULL;
}

static void join(struct job *job, bool restart, bool wake)
{
	/* A cancelled one only has to get out: what is asked for now comes after it. */
	if (job->cancelled || (job->at_work && !wake)) {
		job->again = true;
	}
	job->restart = job->restart || restart;
}

int jobs_submit(struct jobs *j, const char *user_id, const char *project_id, bool restart,
		bool wake, struct err *e)
{
	struct job *job;
	int rc = 0;

	pthread_mutex_lock(&j->mutex);
	job = find(j, project_id);
	if (job) {
		join(job, restart, wake);
	} else if ((job = find(j, ""))) {
		*job = (struct job){.restart = restart, .order = j->submitted++};
		(void)snprintf(job->project_id, sizeof(job->project_id), "%s", project_id);
		(void)snprintf(job->user_id, sizeof(job->user_id), "%s", user_id);
		pthread_cond_signal(&j->changed);
	} else {
		rc = err_set(e, ERR_RATE_LIMITED,
			     "%d apps are waiting to be started; try again soon", JOBS_MAX);
	}
	pthread_mutex_unlock(&j->mutex);
	return rc;
}

void jobs_cancel(struct jobs *j, const char *project_id)
{
	struct job *job;

	if (!j || project_id[0] == '\0') {
		return;
	}
	pthread_mutex_lock(&j->mutex);
	job = find(j, project_id);
	if (job && !job->at_work) {
		*job = (struct job){0};
	} else if (job) {
		job->cancelled = true;
		job->again = false;
		job->restart = false;
	}
	pthread_mutex_unlock(&j->mutex);
}

bool jobs_has(struct jobs *j, const char *project_id)
{
	bool has;

	pthread_mutex_lock(&j->mutex);
	has = find(j, project_id) != NULL;
	pthread_mutex_unlock(&j->mutex);
	return has;
}

void jobs_look_again(struct jobs *j)
{
	if (!j) {
		return;
	}
	pthread_mutex_lock(&j->mutex);
	for (size_t i = 0; i < JOBS_MAX; i++) {
		j->jobs[i].due_ms = 0;
	}
	pthread_cond_broadcast(&j->changed);
	pthread_mutex_unlock(&j->mutex);
}

void jobs_end(struct jobs *j)
{
	pthread_mutex_lock(&j->mutex);
	j->ending = true;
	pthread_cond_broadcast(&j->changed);
	pthread_mutex_unlock(&j->mutex);
}

/* The one to do next, or NULL and when to look again. */
static struct job *next_due(struct jobs *j, int64_t now_ms, int64_t *ret_look_ms)
{
	struct job *next = NULL;

	*ret_look_ms = now_ms + RETRY_MS;
	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct job *job = &j->jobs[i];

		if (job->project_id[0] == '\0' || job->at_work) {
			continue;
		}
		if (job->due_ms > now_ms) {
			*ret_look_ms = job->due_ms < *ret_look_ms ? job->due_ms : *ret_look_ms;
		} else if (!next || job->order < next->order) {
			next = job;
		}
	}
	return next;
}

/* Waits for a job; NULL: the end. */
static struct job *take(struct jobs *j)
{
	struct job *job = NULL;

	pthread_mutex_lock(&j->mutex);
	while (!j->ending) {
		int64_t look_ms;
		struct timespec until;

		job = next_due(j, clock_mono_ms(), &look_ms);
		if (job) {
			job->at_work = true;
			break;
		}
		until = (struct timespec){.tv_sec = look_ms / 1000,
					  .tv_nsec = look_ms % 1000 * 1000000};
		(void)pthread_cond_timedwait(&j->changed, &j->mutex, &until);
	}
	pthread_mutex_unlock(&j->mutex);
	return job;
}

struct job_ctx {
	struct jobs *jobs;
	struct job *job;
};

static bool is_cancelled(void *ctx)
{
	struct job_ctx *c = ctx;
	bool cancelled;

	pthread_mutex_lock(&c->jobs->mutex);
	cancelled = c->job->cancelled || c->jobs->ending;
	pthread_mutex_unlock(&c->jobs->mutex);
	return cancelled;
}

/* Asked right before the app is started: from then on another wish for a restart counts anew. */
static bool take_restart(void *ctx)
{
	struct job_ctx *c = ctx;
	bool restart;

	pthread_mutex_lock(&c->jobs->mutex);
	restart = c->job->restart;
	c->job->restart = false;
	pthread_mutex_unlock(&c->jobs->mutex);
	return restart;
}

/* What becomes of a job after a try. */
static void put_back(struct jobs *j, struct job *job, enum start_outcome outcome,
		     int64_t patience_ms)
{
	int64_t now_ms = clock_mono_ms();

	pthread_mutex_lock(&j->mutex);
	job->at_work = false;
	if (outcome != START_OVER && !job->cancelled) {
		job->due_ms = now_ms + RETRY_MS;
		if (job->give_up_ms[outcome] == 0) {
			job->give_up_ms[outcome] = now_ms + patience_ms;
		}
	} else if (job->again) {
		job->again = false;
		job->cancelled = false;
		memset(job->give_up_ms, 0, sizeof(job->give_up_ms));
		job->order = j->submitted++;
		pthread_cond_signal(&j->changed);
	} else {
		*job = (struct job){0};
	}
	pthread_mutex_unlock(&j->mutex);
}

static bool may_wait(const struct job *job, enum start_outcome outcome)
{
	return job->give_up_ms[outcome] == 0 || clock_mono_ms() < job->give_up_ms[outcome];
}

static void work(struct worker *w, struct job *job)
{
	struct job_ctx ctx = {.jobs = w->sandboxd->jobs, .job = job};
	struct start_request rq = {.user_id = job->user_id,
				   .project_id = job->project_id,
				   .may_wait_for_place = may_wait(job, START_WAITS_FOR_PLACE),
				   .may_wait_for_packages = may_wait(job, START_WAITS_FOR_PACKAGES),
				   .cancellation = {.is_cancelled = is_cancelled, .ctx = &ctx},
				   .take_restart = take_restart,
				   .take_restart_ctx = &ctx};
	enum start_outcome outcome = start_app(w, &rq);
	int64_t patience_ms = outcome == START_WAITS_FOR_PACKAGES
				      ? w->sandboxd->settings->install_timeout_s * 1000
				      : PLACE_PATIENCE_MS;

	put_back(w->sandboxd->jobs, job, outcome, patience_ms);
}

void *jobs_run(void *sandboxd)
{
	struct sandboxd *d = sandboxd;
	struct worker w;
	struct job *job;
	struct err e;

	if (worker_init(&w, d, "slipway-sandboxd starts", &e) < 0) {
		log_err(LOG_ERROR, "start_thread_not_started", &e);
		return NULL;
	}
	while ((job = take(d->jobs))) {
		work(&w, job);
	}
	worker_fini(&w);
	return NULL;
}
