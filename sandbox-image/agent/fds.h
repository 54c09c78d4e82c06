#pragma once

/* Descriptors of a freshly forked process. */

#include <stddef.h>

/* Closes everything from 3 up that is not in keep[0..n) (any order; values below 3 are ignored). */
void fds_close_except(const int *keep, size_t n);

/* Makes a descriptor non-blocking. -1 with errno. */
int fds_nonblock(int fd);

/* Closes *fd when it is open and marks it closed. */
void fds_close(int *fd);
