#pragma once

/* Time. Deadlines are absolute values of the monotonic clock; wall time is only for people. */

#include <stddef.h>
#include <stdint.h>

#define CLOCK_NEVER INT64_MAX

int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* Milliseconds since 1970, for people and their programs. */
int64_t clock_unix_ms(void);

/* Milliseconds left until a deadline, clamped to [0, INT_MAX]; for poll(2). -1 for CLOCK_NEVER. */
int clock_poll_timeout(int64_t deadline_ms);

#define CLOCK_RFC3339_BYTES 32

/* Current UTC time as "2026-01-31T12:00:00.123Z" (RFC 3339). */
void clock_rfc3339(char ret_text[CLOCK_RFC3339_BYTES]);
