#include "apps/sync_queue.h"

#include "clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define SLOW_FOR_MS (10LL * 60 * 1000)
#define PAUSE_MS    30000 /* after a failure */

struct job {
	char project_id[UUID_TEXT_BYTES]; /* "": a free place */
	int64_t from;			  /* what the next try begins with */
	int64_t last_from;		  /* what the last one began with */
	uint64_t order;			  /* of those that wait, the lowest is next */
	bool waiting, running;
	bool failed; /* the last one did, and is due again after a pause */
	int64_t slow_until_ms, pause_until_ms;
};

struct sync_queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job jobs[SYNC_QUEUE_MAX];
	uint64_t next_order;
	bool closed;
};

struct sync_queue *sync_queue_create(void)
{
	struct sync_queue *q = calloc(1, sizeof(*q));

	if (q) {
		pthread_mutex_init(&q->lock, NULL);
		pthread_cond_init(&q->changed, NULL);
	}
	return q;
}

void sync_queue_destroy(struct sync_queue *q)
{
	if (q) {
		pthread_mutex_destroy(&q->lock);
		pthread_cond_destroy(&q->changed);
		free(q);
	}
}

static bool is_slow(const struct job *j)
{
	return j->slow_until_ms > clock_mono_ms();
}

static bool is_paused(const struct job *j)
{
	return j->pause_until_ms > clock_mono_ms();
}

static struct job *find(struct sync_queue *q, const char *project_id)
{
	for (size_t i = 0; i < SYNC_QUEUE_MAX; i++) {
		if (strcasecmp(q->jobs[i].project_id, project_id) == 0) {
			return &q->jobs[i];
		}
	}
	return NULL;
}

/* A place nobody needs: what is remembered of slow and failed ones goes last. */
static struct job *free_place(struct sync_queue *q)
{
	struct job *remembered = NULL;

	for (size_t i = 0; i < SYNC_QUEUE_MAX; i++) {
		struct job *j = &q->jobs[i];

		if (j->waiting || j->running) {
			continue;
		}
		if (!is_slow(j) && !is_paused(j) && !j->failed) {
			return j;
		}
		remembered = j;
	}
	return remembered;
}

static void want(struct sync_queue *q, struct job *j, int64_t from)
{
	if (j->failed && j->last_from < from) {
		from = j->last_from;
	}
	j->from = j->waiting && j->from < from ? j->from : from;
	j->order = j->waiting ? j->order : q->next_order++;
	j->waiting = true;
	pthread_cond_broadcast(&q->changed);
}

static bool add(struct sync_queue *q, const char *project_id, int64_t from, bool found)
{
	struct job *j;

	pthread_mutex_lock(&q->lock);
	j = find(q, project_id);
	if (j && found && is_paused(j)) {
		pthread_mutex_unlock(&q->lock);
		return true;
	}
	if (!j) {
		j = free_place(q);
		if (j) {
			*j = (struct job){0};
			snprintf(j->project_id, sizeof(j->project_id), "%s", project_id);
		}
	}
	if (j) {
		want(q, j, from);
	}
	pthread_mutex_unlock(&q->lock);
	return j != NULL;
}

bool sync_queue_add(struct sync_queue *q, const char *project_id, int64_t from)
{
	return add(q, project_id, from, false);
}

bool sync_queue_add_found(struct sync_queue *q, const char *project_id, int64_t from)
{
	return add(q, project_id, from, true);
}

void sync_queue_retry(struct sync_queue *q)
{
	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < SYNC_QUEUE_MAX; i++) {
		struct job *j = &q->jobs[i];

		if (j->failed && !j->waiting && !j->running && !is_paused(j)) {
			want(q, j, j->last_from);
		}
	}
	pthread_mutex_unlock(&q->lock);
}

static struct job *next(struct sync_queue *q)
{
	struct job *best = NULL;
	bool slow_runs = false;

	for (size_t i = 0; i < SYNC_QUEUE_MAX; i++) {
		slow_runs = slow_runs || (q->jobs[i].running && is_slow(&q->jobs[i]));
	}
	for (size_t i = 0; i < SYNC_QUEUE_MAX; i++) {
		struct job *j = &q->jobs[i];

		if (j->waiting && !j->running && !(slow_runs && is_slow(j)) &&
		    (!best || j->order < best->order)) {
			best = j;
		}
	}
	return best;
}

bool sync_queue_take(struct sync_queue *q, char ret_project_id[UUID_TEXT_BYTES], int64_t *ret_from)
{
	struct job *j;

	pthread_mutex_lock(&q->lock);
	for (j = next(q); !j && !q->closed; j = next(q)) {
		pthread_cond_wait(&q->changed, &q->lock);
	}
	if (q->closed) {
		j = NULL;
	}
	if (j) {
		j->waiting = false;
		j->running = true;
		j->last_from = j->from;
		snprintf(ret_project_id, UUID_TEXT_BYTES, "%s", j->project_id);
		*ret_from = j->from;
	}
	pthread_mutex_unlock(&q->lock);
	return j != NULL;
}

void sync_queue_done(struct sync_queue *q, const char *project_id, bool failed, bool slow)
{
	int64_t now_ms = clock_mono_ms();
	struct job *j;

	pthread_mutex_lock(&q->lock);
	j = find(q, project_id);
	if (j) {
		j->running = false;
		j->failed = failed;
		j->slow_until_ms = slow ? now_ms + SLOW_FOR_MS : 0;
		j->pause_until_ms = failed ? now_ms + PAUSE_MS : 0;
		pthread_cond_broadcast(&q->changed);
	}
	pthread_mutex_unlock(&q->lock);
}

void sync_queue_close(struct sync_queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(&q->lock);
}
