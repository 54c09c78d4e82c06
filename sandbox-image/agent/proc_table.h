#pragma once

/* One reading of /proc: who is whose parent. */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct proc_entry {
	pid_t pid, ppid;
	char state;		  /* R S D T t Z X … (proc(5)); of the first thread only */
	int threads;		  /* a zombie first thread of several is no dead process */
	unsigned long long start; /* clock ticks since boot: with the pid it names one process */
	bool descendant;
};

struct proc_table {
	struct proc_entry *entries; /* by pid */
	size_t n, cap;
};

void proc_table_fini(struct proc_table *t);

/* Reads all processes and marks the descendants of `root` (not itself). What is beneath one of
 * `except` (those included) is not marked. The table may be reused from call to call. */
NODISCARD int proc_table_read(struct proc_table *t, pid_t root, const pid_t *except,
			      size_t n_except, struct err *e);

/* The text of /proc/<pid>/stat; false when it is not one. */
bool proc_stat_parse(const char *text, struct proc_entry *ret);

/* Reads one process now; false when it is gone. */
bool proc_stat_read(pid_t pid, struct proc_entry *ret);
