#include "buf.h"

#include <stdlib.h>

#define FREE_MAX 128 /* 8 MiB at most are kept for the next one */

static struct buf *free_list;
static size_t n_free;

struct buf *buf_get(void)
{
	struct buf *b = free_list;

	if (b) {
		free_list = b->next;
		n_free--;
	} else if (!(b = malloc(sizeof(*b)))) {
		return NULL;
	}
	b->start = b->end = 0;
	return b;
}

void buf_put(struct buf *b)
{
	if (!b) {
		return;
	}
	if (n_free == FREE_MAX) {
		free(b);
		return;
	}
	b->next = free_list;
	free_list = b;
	n_free++;
}

void buf_drop_free(void)
{
	while (free_list) {
		struct buf *b = free_list;

		free_list = b->next;
		free(b);
	}
	n_free = 0;
}
