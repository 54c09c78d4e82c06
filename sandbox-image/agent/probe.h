#pragma once

/*
 * Watches for a listening socket of a run and asks it for "/", from inside the sandbox, as a
 * browser would see it. Reports once.
 */

#include "agent.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct probe;

/* What listens now is not the run's: create it before the run starts. NULL when out of memory. */
struct probe *probe_create(struct agent *agent);
void probe_destroy(struct probe *p);

/* `listening` is the payload of LISTENING; the callback owns it. The probe may be destroyed in it.
 */
typedef void probe_result_fn(void *ctx, json_t *listening);

/* `root`: the run's supervisor. */
void probe_start(struct probe *p, pid_t root, probe_result_fn *fn, void *ctx);

/* A socket of the run was found, whatever it answers. */
bool probe_found(const struct probe *p);
/* The payload of LISTENING for a socket that gave no answer. */
json_t *probe_failure(const struct probe *p, const char *why);
