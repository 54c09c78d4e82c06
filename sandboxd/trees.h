#pragma once

/* What the threads of one sandboxd share about dependency trees; for the parts of tree.h only. */

#include "token.h"
#include "tree.h"

#include <pthread.h>

/* A build under way. */
struct tree_work {
	char key[TREE_KEY_BYTES]; /* "": the place is free */
	char id[UUID_TEXT_BYTES]; /* of its sandbox */
};

struct trees {
	pthread_mutex_t mutex; /* of `builds` */
	struct tree_work builds[TREE_BUILDS_MAX];
	/* Mounting a tree and an overlay on it is one step, and so is finding one unused and
	 * removing it. */
	pthread_mutex_t mounts;
};

bool tree_is_building(struct sandboxd *d, const char *key);
