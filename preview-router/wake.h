#pragma once

/* Starts of sleeping apps, asked of sandboxd: one at a time for an app, ever further apart while
 * they do not help, and a bounded number for all. */

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct app_policy;
struct config;

void wake_init(const struct config *c);

/* Somebody who may see the app wants it. Harmless at any time and any rate. */
void wake_want(struct app_policy *p);

/* A page still waits for it: then it is worth trying again later. */
void wake_still_wanted(struct app_policy *p);

/* Its row or the agent's state is another one. */
void wake_changed(struct app_policy *p);

/* It answered. */
void wake_helped(struct app_policy *p);

void wake_fini(struct app_policy *p);

uint64_t wake_count(void);	  /* calls made */
uint64_t wake_failed_count(void); /* of which sandboxd refused, or was not there */
