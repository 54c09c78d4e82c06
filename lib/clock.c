#include "clock.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

int64_t clock_mono_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t clock_unix_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int clock_poll_timeout(int64_t deadline_ms)
{
	int64_t left;

	if (deadline_ms == CLOCK_NEVER) {
		return -1;
	}
	left = deadline_ms - clock_mono_ms();
	if (left < 0) {
		return 0;
	}
	return left > INT_MAX ? INT_MAX : (int)left;
}

void clock_rfc3339(char ret_text[CLOCK_RFC3339_BYTES])
{
	struct timespec now;
	struct tm tm;
	size_t used;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	used = strftime(ret_text, CLOCK_RFC3339_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(ret_text + used, CLOCK_RFC3339_BYTES - used, ".%03uZ",
		       (unsigned)(now.tv_nsec / 1000000) % 1000U);
}
