#include "notices.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int notices_init(struct notices *q, struct err *e)
{
	*q = (struct notices){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (q->fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make an eventfd");
	}
	pthread_mutex_init(&q->mutex, NULL);
	return 0;
}

void notices_fini(struct notices *q)
{
	close(q->fd);
	pthread_mutex_destroy(&q->mutex);
}

/* A write fails only when the counter is full, and then the fd is readable anyway. */
static void wake(struct notices *q)
{
	uint64_t one = 1;
	ssize_t ignored = write(q->fd, &one, sizeof(one));

	(void)ignored;
}

static bool known(const struct notices *q, const char *id)
{
	for (size_t i = 0; i < q->n; i++) {
		if (strcmp(q->ids[i], id) == 0) {
			return true;
		}
	}
	return false;
}

void notices_add(struct notices *q, const char *id)
{
	pthread_mutex_lock(&q->mutex);
	if (q->n == NOTICES_MAX) {
		q->everything = true;
	} else if (!known(q, id)) {
		(void)snprintf(q->ids[q->n++], UUID_TEXT_BYTES, "%s", id);
	}
	pthread_mutex_unlock(&q->mutex);
	wake(q);
}

void notices_add_everything(struct notices *q)
{
	pthread_mutex_lock(&q->mutex);
	q->everything = true;
	pthread_mutex_unlock(&q->mutex);
	wake(q);
}

size_t notices_take(struct notices *q, char ret_ids[NOTICES_MAX][UUID_TEXT_BYTES],
		    bool *ret_everything)
{
	uint64_t count;
	ssize_t ignored;
	size_t n;

	pthread_mutex_lock(&q->mutex);
	ignored = read(q->fd, &count, sizeof(count));
	(void)ignored;
	n = q->n;
	memcpy(ret_ids, q->ids, n * sizeof(q->ids[0]));
	*ret_everything = q->everything;
	q->n = 0;
	q->everything = false;
	pthread_mutex_unlock(&q->mutex);
	return n;
}
