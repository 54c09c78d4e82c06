#include "stop_all.h"

#include "log.h"
#include "sandbox.h"
#include "worker.h"

#include <stdlib.h>

#define STOP_THREADS 8

struct stop_list {
	struct sandboxd *sandboxd;
	struct sandbox_row *rows;
	size_t n;
	atomic_size_t next;
};

static void stop_one(struct worker *w, const struct sandbox_row *row)
{
	struct sandbox_row after;
	struct err e;

	if (row->state != SANDBOX_STOPPED && row->state != SANDBOX_FAILED &&
	    sandbox_stop(w, row->id, "sandboxd ends", &after, &e) < 0) {
		log_err(LOG_WARN, "sandbox_not_stopped", &e);
	}
}

static void *stop_some(void *list)
{
	struct stop_list *l = list;
	struct worker w;
	struct err e;
	size_t i;

	if (worker_init(&w, l->sandboxd, "slipway-sandboxd end", &e) < 0) {
		log_err(LOG_ERROR, "sandboxes_not_stopped", &e);
		return NULL;
	}
	while ((i = atomic_fetch_add(&l->next, 1)) < l->n) {
		stop_one(&w, &l->rows[i]);
	}
	worker_fini(&w);
	return NULL;
}

static int list_rows(struct stop_list *l, struct err *e)
{
	struct worker w;
	int rc;

	if (worker_init(&w, l->sandboxd, "slipway-sandboxd end", e) < 0) {
		return -1;
	}
	rc = store_list(w.db, &l->rows, &l->n, e);
	worker_fini(&w);
	return rc;
}

void stop_all(struct sandboxd *d)
{
	struct stop_list list = {.sandboxd = d};
	pthread_t threads[STOP_THREADS];
	size_t n = 0;
	struct err e;

	if (list_rows(&list, &e) < 0) {
		log_err(LOG_WARN, "sandboxes_not_stopped", &e);
		return;
	}
	while (n < STOP_THREADS && pthread_create(&threads[n], NULL, stop_some, &list) == 0) {
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
	}
	free(list.rows);
}
