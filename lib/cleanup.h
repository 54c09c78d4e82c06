#pragma once

/* Cleanup by scope, and handing over what a scope owns. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f) {
		fclose(*f);
	}
}

#define auto_free   __attribute__((cleanup(cleanup_free)))
#define auto_close  __attribute__((cleanup(cleanup_close)))
#define auto_fclose __attribute__((cleanup(cleanup_fclose)))

/* Takes the value out of a variable that cleanup would otherwise destroy. */
#define steal_ptr(p)                                                                               \
	({                                                                                         \
		__typeof__(p) *steal_at_ = &(p);                                                   \
		__typeof__(p) steal_v_ = *steal_at_;                                               \
		*steal_at_ = NULL;                                                                 \
		steal_v_;                                                                          \
	})

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
