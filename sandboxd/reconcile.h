#pragma once

/* Containers, mounts, directories, images and loop devices on one side, rows on the other. */

#include "err.h"

struct worker;

/*
 * What belongs to no row goes; rows are settled (sandbox.h) where reality differs from what they
 * say. Goes on past what fails for one sandbox; -1 when there was nothing to compare with (Docker
 * or PostgreSQL down), because then nothing is an orphan.
 */
NODISCARD int reconcile(struct worker *w, struct err *e);
