#pragma once

/*
 * The process that brings new versions into running sandboxes, beside the workers: a call that
 * stores a file answers without waiting for a sandbox, and an agent that does not answer holds no
 * worker.
 *
 * It hears of versions by NOTIFY and looks for what it missed every two seconds. Some threads work
 * side by side; a project that took long gets one of them at most, so that hostile agents delay
 * nobody else for long.
 */

#include "config.h"

#include <sys/types.h>

/* A child of the master. Returns its exit status; ends when told to or when its connection to
 * PostgreSQL is lost, and is started again then. */
int syncer_run(const struct config *config, pid_t master);
