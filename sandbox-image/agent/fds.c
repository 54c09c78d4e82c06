#include "fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Old seccomp profiles know no close_range(2). */
static void close_span(unsigned from, unsigned to)
{
	struct rlimit limit = {.rlim_cur = 1024};

	if (from > to || syscall(SYS_close_range, from, to, 0) == 0) {
		return;
	}
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	for (unsigned fd = from; fd <= to && fd < limit.rlim_cur; fd++) {
		(void)close((int)fd);
	}
}

void fds_close_except(const int *keep, size_t n)
{
	unsigned from = 3;

	for (;;) {
		unsigned next = ~0u;

		for (size_t i = 0; i < n; i++) {
			if (keep[i] >= 0 && (unsigned)keep[i] >= from && (unsigned)keep[i] < next) {
				next = (unsigned)keep[i];
			}
		}
		if (next == ~0u) {
			close_span(from, ~0u);
			return;
		}
		if (next > from) {
			close_span(from, next - 1);
		}
		from = next + 1;
	}
}

int fds_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void fds_close(int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
		*fd = -1;
	}
}
