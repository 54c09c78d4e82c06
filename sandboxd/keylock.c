#include "keylock.h"

#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void keylock_init(struct keylock *k)
{
	pthread_condattr_t attr;

	*k = (struct keylock){0};
	pthread_mutex_init(&k->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&k->released, &attr);
	pthread_condattr_destroy(&attr);
}

void keylock_fini(struct keylock *k)
{
	pthread_cond_destroy(&k->released);
	pthread_mutex_destroy(&k->mutex);
}

static char *find(struct keylock *k, const char *key)
{
	for (size_t i = 0; i < KEYLOCK_HELD_MAX; i++) {
		if (strcmp(k->held[i], key) == 0) {
			return k->held[i];
		}
	}
	return NULL;
}

static bool take_locked(struct keylock *k, const char *key)
{
	char *place;

	if (find(k, key)) {
		return false;
	}
	place = find(k, "");
	if (!place) {
		return false;
	}
	(void)snprintf(place, KEYLOCK_KEY_BYTES, "%s", key);
	return true;
}

int keylock_take(struct keylock *k, const char *key, int64_t deadline_ms, struct err *e)
{
	struct timespec until = {.tv_sec = deadline_ms / 1000,
				 .tv_nsec = deadline_ms % 1000 * 1000000};
	bool taken;

	pthread_mutex_lock(&k->mutex);
	while (!(taken = take_locked(k, key))) {
		if (pthread_cond_timedwait(&k->released, &k->mutex, &until) == ETIMEDOUT) {
			break;
		}
	}
	pthread_mutex_unlock(&k->mutex);
	if (!taken) {
		return err_set(e, ERR_TIMEOUT,
			       "another call for this sandbox is still being worked on");
	}
	return 0;
}

bool keylock_try(struct keylock *k, const char *key)
{
	bool taken;

	pthread_mutex_lock(&k->mutex);
	taken = take_locked(k, key);
	pthread_mutex_unlock(&k->mutex);
	return taken;
}

void keylock_release(struct keylock *k, const char *key)
{
	char *place;

	pthread_mutex_lock(&k->mutex);
	place = find(k, key);
	if (place) {
		place[0] = '\0';
	}
	pthread_cond_broadcast(&k->released);
	pthread_mutex_unlock(&k->mutex);
}
