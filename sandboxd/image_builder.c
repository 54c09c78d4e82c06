#include "image_builder.h"

#include "clock.h"
#include "driver.h"
#include "log.h"
#include "settings.h"
#include "worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_AFTER_MS 60000

struct image_builder {
	struct sandboxd *sandboxd;
	pthread_mutex_t mutex;
	bool building;
	int64_t not_before_ms; /* after a failure, the next try is not at once */
	char detail[ERR_TEXT_MAX_BYTES];
};

struct image_builder *image_builder_create(struct sandboxd *d)
{
	struct image_builder *b = calloc(1, sizeof(*b));

	if (!b) {
		return NULL;
	}
	b->sandboxd = d;
	pthread_mutex_init(&b->mutex, NULL);
	return b;
}

void image_builder_destroy(struct image_builder *b)
{
	bool building;

	if (!b) {
		return;
	}
	pthread_mutex_lock(&b->mutex);
	building = b->building;
	pthread_mutex_unlock(&b->mutex);
	if (!building) {
		pthread_mutex_destroy(&b->mutex);
		free(b);
	}
}

static void log_line(void *ctx, const char *line)
{
	(void)ctx;
	log_info("image_build", "{s:s}", "line", line);
}

static int build(struct image_builder *b, struct err *e)
{
	struct worker w;
	int rc;

	if (worker_init(&w, b->sandboxd, "slipway-sandboxd image", e) < 0) {
		return -1;
	}
	rc = w.driver->ops->image_ensure(w.driver, log_line, NULL, e);
	worker_fini(&w);
	return rc;
}

static void *run(void *arg)
{
	struct image_builder *b = arg;
	struct err e = {0};
	int rc = build(b, &e);

	if (rc < 0) {
		log_err(LOG_ERROR, "image_build_failed", &e);
	}
	pthread_mutex_lock(&b->mutex);
	b->building = false;
	b->not_before_ms = clock_mono_ms() + RETRY_AFTER_MS;
	(void)snprintf(b->detail, sizeof(b->detail), "%s", rc < 0 ? e.text : "");
	pthread_mutex_unlock(&b->mutex);
	return NULL;
}

void image_builder_kick(struct image_builder *b)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_mutex_lock(&b->mutex);
	if (!b->building && clock_mono_ms() >= b->not_before_ms) {
		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		b->building = pthread_create(&thread, &attr, run, b) == 0;
		pthread_attr_destroy(&attr);
	}
	pthread_mutex_unlock(&b->mutex);
}

void image_builder_detail(struct image_builder *b, char *buf, size_t cap)
{
	pthread_mutex_lock(&b->mutex);
	(void)snprintf(buf, cap, "%s", b->building ? "being built" : b->detail);
	pthread_mutex_unlock(&b->mutex);
}
