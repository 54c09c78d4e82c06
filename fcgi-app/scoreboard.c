#include "scoreboard.h"

#include "clock.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct pool {
	int slots;
	int first, workers; /* their entries: [first, first + workers) */
	/* Grows with each slot that comes free; the futex waited on. */
	_Atomic uint32_t freed;
	_Atomic uint64_t requests[SCOREBOARD_STATUSES];
	_Atomic uint64_t buckets[SCOREBOARD_BUCKETS + 1];
	_Atomic uint64_t duration_ms, rejected_full, rejected_rate, restarts;
};

struct scoreboard {
	pthread_mutex_t lock; /* of the entries */
	size_t bytes;
	int n_workers;
	struct pool pools[POOL_COUNT];
	struct scoreboard_entry entries[];
};

const int64_t scoreboard_buckets_ms[SCOREBOARD_BUCKETS] = {
	5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000};

static int lock_init(pthread_mutex_t *lock, struct err *e)
{
	pthread_mutexattr_t attr;
	int rc;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	rc = pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	if (rc != 0) {
		errno = rc;
		return err_errno(e, ERR_INTERNAL, "cannot make a shared lock");
	}
	return 0;
}

int scoreboard_create(const int slots[POOL_COUNT], struct scoreboard **ret_board, struct err *e)
{
	struct scoreboard *b;
	size_t bytes;
	int n = 0;

	for (int p = 0; p < POOL_COUNT; p++) {
		n += slots[p] + SCOREBOARD_SPARES;
	}
	bytes = sizeof(*b) + (size_t)n * sizeof(b->entries[0]);
	b = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED) {
		return err_errno(e, ERR_INTERNAL, "cannot map the scoreboard");
	}
	b->bytes = bytes;
	b->n_workers = n;
	if (lock_init(&b->lock, e) < 0) {
		munmap(b, bytes);
		return -1;
	}
	for (int p = 0, at = 0; p < POOL_COUNT; p++) {
		b->pools[p].slots = slots[p];
		b->pools[p].first = at;
		b->pools[p].workers = slots[p] + SCOREBOARD_SPARES;
		at += b->pools[p].workers;
	}
	*ret_board = b;
	return 0;
}

void scoreboard_destroy(struct scoreboard *b)
{
	if (b) {
		munmap(b, b->bytes);
	}
}

/* A holder that died had its entry half written at worst; the master resets that entry anyway. */
static void lock(struct scoreboard *b)
{
	if (pthread_mutex_lock(&b->lock) == EOWNERDEAD) {
		pthread_mutex_consistent(&b->lock);
	}
}

static void unlock(struct scoreboard *b)
{
	pthread_mutex_unlock(&b->lock);
}

int scoreboard_workers(const struct scoreboard *b)
{
	return b->n_workers;
}

static struct pool *pool_of(struct scoreboard *b, int worker)
{
	int p = 0;

	while (p < POOL_COUNT - 1 && worker >= b->pools[p].first + b->pools[p].workers) {
		p++;
	}
	return &b->pools[p];
}

enum route_pool scoreboard_pool(const struct scoreboard *b, int worker)
{
	int p = 0;

	while (p < POOL_COUNT - 1 && worker >= b->pools[p].first + b->pools[p].workers) {
		p++;
	}
	return (enum route_pool)p;
}

int scoreboard_slots(const struct scoreboard *b, enum route_pool pool)
{
	return b->pools[pool].slots;
}

static void announce_free(struct pool *p)
{
	atomic_fetch_add(&p->freed, 1);
	syscall(SYS_futex, &p->freed, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void scoreboard_started(struct scoreboard *b, int worker, pid_t pid)
{
	lock(b);
	b->entries[worker] = (struct scoreboard_entry){.pid = pid};
	unlock(b);
}

void scoreboard_gone(struct scoreboard *b, int worker, bool unexpected)
{
	struct pool *p = pool_of(b, worker);

	scoreboard_started(b, worker, 0);
	if (unexpected) {
		atomic_fetch_add(&p->restarts, 1);
	}
	announce_free(p);
}

void scoreboard_read(struct scoreboard *b, int worker, struct scoreboard_entry *ret)
{
	lock(b);
	*ret = b->entries[worker];
	unlock(b);
}

/* Call with the lock held. */
static int busy_count(const struct scoreboard *b, const struct pool *p)
{
	int busy = 0;

	for (int i = p->first; i < p->first + p->workers; i++) {
		busy += b->entries[i].busy;
	}
	return busy;
}

static bool try_enter(struct scoreboard *b, int worker, const char *request_id, int64_t deadline_ms)
{
	struct scoreboard_entry *entry = &b->entries[worker];
	struct pool *p = pool_of(b, worker);
	bool entered;

	lock(b);
	entered = busy_count(b, p) < p->slots;
	if (entered) {
		entry->busy = true;
		entry->rate = RATE_NONE;
		entry->user_id[0] = '\0';
		entry->since_ms = clock_mono_ms();
		entry->deadline_ms = deadline_ms;
		snprintf(entry->request_id, sizeof(entry->request_id), "%s", request_id);
	}
	unlock(b);
	return entered;
}

/* Waits until something of the pool came free after `seen`. False: `until` has passed. */
static bool wait_freed(struct pool *p, uint32_t seen, int64_t until_ms)
{
	int64_t left = until_ms - clock_mono_ms();
	struct timespec timeout = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};

	if (left <= 0) {
		return false;
	}
	syscall(SYS_futex, &p->freed, FUTEX_WAIT, seen, &timeout, NULL, 0);
	return true;
}

bool scoreboard_enter(struct scoreboard *b, int worker, const char *request_id, int64_t deadline_ms,
		      int64_t wait_ms)
{
	struct pool *p = pool_of(b, worker);
	int64_t until = clock_mono_ms() + wait_ms;
	uint32_t seen;

	do {
		seen = atomic_load(&p->freed);
		if (try_enter(b, worker, request_id, deadline_ms)) {
			return true;
		}
	} while (wait_freed(p, seen, until));
	return false;
}

void scoreboard_set_deadline(struct scoreboard *b, int worker, int64_t deadline_ms)
{
	lock(b);
	b->entries[worker].deadline_ms = deadline_ms;
	unlock(b);
}

static bool try_claim(struct scoreboard *b, int worker, const char *user_id, enum rate_class rate,
		      int64_t max)
{
	struct scoreboard_entry *own = &b->entries[worker];
	int64_t held = 0;

	lock(b);
	for (int i = 0; i < b->n_workers; i++) {
		const struct scoreboard_entry *entry = &b->entries[i];

		held += entry->busy && entry->rate == rate && strcmp(entry->user_id, user_id) == 0;
	}
	if (held < max) {
		own->rate = rate;
		snprintf(own->user_id, sizeof(own->user_id), "%s", user_id);
	}
	unlock(b);
	return held < max;
}

bool scoreboard_claim(struct scoreboard *b, int worker, const char *user_id, enum rate_class rate,
		      int64_t max, int64_t wait_ms)
{
	struct pool *p = pool_of(b, worker);
	int64_t until = clock_mono_ms() + wait_ms;
	uint32_t seen;

	do {
		seen = atomic_load(&p->freed);
		if (try_claim(b, worker, user_id, rate, max)) {
			return true;
		}
	} while (wait_freed(p, seen, until));
	atomic_fetch_add(&p->rejected_rate, 1);
	return false;
}

static void count_status(struct pool *p, int status)
{
	int class = status / 100 - 1;

	if (class < 0 || class >= SCOREBOARD_STATUSES) {
		class = SCOREBOARD_STATUSES - 1;
	}
	atomic_fetch_add(&p->requests[class], 1);
}

void scoreboard_leave(struct scoreboard *b, int worker, int status, int64_t duration_ms)
{
	struct pool *p = pool_of(b, worker);
	int bucket = 0;

	lock(b);
	b->entries[worker].busy = false;
	b->entries[worker].rate = RATE_NONE;
	unlock(b);
	announce_free(p);

	count_status(p, status);
	while (bucket < SCOREBOARD_BUCKETS && duration_ms > scoreboard_buckets_ms[bucket]) {
		bucket++;
	}
	atomic_fetch_add(&p->buckets[bucket], 1);
	atomic_fetch_add(&p->duration_ms, (uint64_t)(duration_ms > 0 ? duration_ms : 0));
}

void scoreboard_reject(struct scoreboard *b, int worker, int status)
{
	struct pool *p = pool_of(b, worker);

	count_status(p, status);
	atomic_fetch_add(&p->rejected_full, 1);
}

void scoreboard_stats(struct scoreboard *b, enum route_pool pool, struct scoreboard_stats *ret)
{
	struct pool *p = &b->pools[pool];

	for (int i = 0; i < SCOREBOARD_STATUSES; i++) {
		ret->requests[i] = atomic_load(&p->requests[i]);
	}
	for (int i = 0; i <= SCOREBOARD_BUCKETS; i++) {
		ret->buckets[i] = atomic_load(&p->buckets[i]);
	}
	ret->duration_ms = atomic_load(&p->duration_ms);
	ret->rejected_full = atomic_load(&p->rejected_full);
	ret->rejected_rate = atomic_load(&p->rejected_rate);
	ret->restarts = atomic_load(&p->restarts);
	ret->slots = p->slots;
	lock(b);
	ret->busy = busy_count(b, p);
	unlock(b);
}
