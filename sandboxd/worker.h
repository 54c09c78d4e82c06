#pragma once

/* What every thread shares, and what each has for itself. */

#include "err.h"
#include "keylock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct db;
struct driver;
struct http_client;
struct image_builder;
struct jobs;
struct notices;
struct settings;
struct trees;

struct sandboxd {
	const struct settings *settings;
	struct keylock locks;	      /* by owner (sandbox.c) */
	pthread_mutex_t claim_mutex;  /* counting the running ones and adding one is one step */
	struct notices *notices;      /* what the event thread tells the keeper */
	struct image_builder *images; /* builds a missing image in the background */
	struct jobs *jobs;	      /* starts of apps under way */
	struct trees *trees;
	int stop_fd; /* an eventfd that becomes readable when all shall end */
	atomic_bool stopping;
};

struct worker {
	struct sandboxd *sandboxd;
	struct db *db;
	struct driver *driver;
	struct http_client *agents;
};

/* ERR_INTERNAL when out of memory. Connects to nothing yet. */
NODISCARD int worker_init(struct worker *w, struct sandboxd *d, const char *name, struct err *e);
void worker_fini(struct worker *w);

/* Waits for the end of all or the deadline. True: all shall end. */
bool worker_wait(const struct worker *w, int64_t deadline_ms);
