#include "route_queue.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int route_queue_init(struct route_queue *q, struct err *e)
{
	*q = (struct route_queue){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (q->fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot make an eventfd");
	}
	pthread_mutex_init(&q->mutex, NULL);
	pthread_cond_init(&q->room, NULL);
	STAILQ_INIT(&q->list);
	return 0;
}

void route_queue_fini(struct route_queue *q)
{
	struct route_change *c;

	while ((c = STAILQ_FIRST(&q->list))) {
		STAILQ_REMOVE_HEAD(&q->list, link);
		route_change_free(c);
	}
	close(q->fd);
	pthread_cond_destroy(&q->room);
	pthread_mutex_destroy(&q->mutex);
}

/* A write fails only when the counter is full, and then the fd is readable anyway. */
static void wake_loop(struct route_queue *q)
{
	uint64_t one = 1;
	ssize_t ignored = write(q->fd, &one, sizeof(one));

	(void)ignored;
}

bool route_queue_push(struct route_queue *q, struct route_change *c)
{
	bool taken;

	pthread_mutex_lock(&q->mutex);
	while (q->n >= ROUTE_QUEUE_MAX && !q->closed) {
		pthread_cond_wait(&q->room, &q->mutex);
	}
	taken = !q->closed;
	if (taken) {
		STAILQ_INSERT_TAIL(&q->list, c, link);
		q->n++;
	}
	pthread_mutex_unlock(&q->mutex);
	if (!taken) {
		route_change_free(c);
		return false;
	}
	wake_loop(q);
	return true;
}

size_t route_queue_take(struct route_queue *q, size_t max, struct route_change_list *ret_list)
{
	uint64_t count;
	size_t n = 0;

	STAILQ_INIT(ret_list);
	pthread_mutex_lock(&q->mutex);
	while (n < max && !STAILQ_EMPTY(&q->list)) {
		struct route_change *c = STAILQ_FIRST(&q->list);

		STAILQ_REMOVE_HEAD(&q->list, link);
		STAILQ_INSERT_TAIL(ret_list, c, link);
		n++;
	}
	q->n -= n;
	if (q->n == 0) {
		ssize_t ignored = read(q->fd, &count, sizeof(count));

		(void)ignored;
	}
	pthread_cond_signal(&q->room);
	pthread_mutex_unlock(&q->mutex);
	return n;
}

void route_queue_close(struct route_queue *q)
{
	pthread_mutex_lock(&q->mutex);
	q->closed = true;
	pthread_cond_broadcast(&q->room);
	pthread_mutex_unlock(&q->mutex);
}

void route_change_free(struct route_change *c)
{
	if (c) {
		free(c->row.shares);
		free(c);
	}
}
