#pragma once

/* A PostgreSQL cluster of a test's own, on a unix socket in a temporary directory. PostgreSQL
 * refuses to run as root, so root becomes postgres for it. */

#include "cleanup.h"
#include "clock.h"
#include "db.h"
#include "fs.h"
#include "proc.h"
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PG_START_MS 30000

struct pg {
	char dir[32];
	char bin[64];
	char conninfo[200];
	pid_t pid;
	struct db *db;
};

static inline void pg_find_bin(struct pg *pg)
{
	for (int version = 30; version >= 15; version--) {
		(void)snprintf(pg->bin, sizeof(pg->bin), "/usr/lib/postgresql/%d/bin", version);
		if (access(pg->bin, X_OK) == 0) {
			return;
		}
	}
	fail_msg("no PostgreSQL 15 or later is installed");
}

/* In a child that dies with the test. */
static inline void pg_become_postgres(void)
{
	const struct passwd *pw = geteuid() == 0 ? getpwnam("postgres") : NULL;

	if (pw && (setgroups(0, NULL) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0)) {
		_exit(126);
	}
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
}

static inline pid_t pg_spawn(const struct pg *pg, const char *const *argv)
{
	const char *args[32] = {0};
	char path[160], log[100];
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/%s", pg->bin, argv[0]);
	/* initdb looks for postgres beside the path it was called by; it is in nobody's PATH. */
	args[0] = path;
	for (size_t i = 1; argv[i]; i++) {
		assert_true(i + 1 < sizeof(args) / sizeof(args[0]));
		args[i] = argv[i];
	}
	(void)snprintf(log, sizeof(log), "%s/log", pg->dir);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd;

		pg_become_postgres();
		fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || chdir("/") < 0) {
			_exit(126);
		}
		execv(path, (char *const *)(uintptr_t)args);
		_exit(127);
	}
	return pid;
}

static inline void pg_print_log(const struct pg *pg)
{
	char path[100];
	auto_strbuf log;
	struct err e;

	(void)snprintf(path, sizeof(path), "%s/log", pg->dir);
	strbuf_init(&log, 1 << 20);
	if (fs_read(path, &log, &e) == 0) {
		(void)fprintf(stderr, "%s", log.data);
	}
}

static inline void pg_apply_migrations(struct pg *pg)
{
	struct dirent **names;
	int n = scandir("migrations", &names, NULL, alphasort);
	struct err e;

	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		char path[300];
		auto_strbuf sql;

		strbuf_init(&sql, 1 << 20);
		(void)snprintf(path, sizeof(path), "migrations/%s", names[i]->d_name);
		if (names[i]->d_name[0] != '.') {
			assert_ok(fs_read(path, &sql, &e));
			assert_ok(db_script(pg->db, sql.data, &e));
		}
		free(names[i]);
	}
	free(names);
}

static inline void pg_wait_until_up(struct pg *pg)
{
	int64_t deadline_ms = clock_mono_ms() + PG_START_MS;
	struct err e;

	/* Each refused connection takes a moment of its own; pg_ctl does the same. */
	while (db_query(pg->db, "SELECT 1", DB_NO_ARGS, NULL, &e) < 0) {
		if (clock_mono_ms() > deadline_ms || waitpid(pg->pid, NULL, WNOHANG) != 0) {
			pg_print_log(pg);
			fail_msg("PostgreSQL did not start: %s", e.text);
		}
		(void)poll(NULL, 0, 20);
	}
}

/* Starts a cluster with all migrations applied. */
static inline void pg_start(struct pg *pg)
{
	char data[100], socket_dir[120];
	const struct passwd *pw = getpwnam("postgres");
	int status;

	*pg = (struct pg){0};
	pg_find_bin(pg);
	(void)snprintf(pg->dir, sizeof(pg->dir), "/tmp/slipway-pg-XXXXXX");
	assert_non_null(mkdtemp(pg->dir));
	if (geteuid() == 0) {
		assert_non_null(pw);
		assert_int_equal(chown(pg->dir, pw->pw_uid, pw->pw_gid), 0);
	}
	(void)snprintf(data, sizeof(data), "%s/data", pg->dir);
	{
		const char *const argv[] = {"initdb",  "-D",	    data, "-U",	  "test",
					    "-A",      "trust",	    "-E", "UTF8", "--locale",
					    "C.UTF-8", "--no-sync", NULL};

		assert_int_equal(waitpid(pg_spawn(pg, argv), &status, 0) > 0 && status == 0, 1);
	}
	(void)snprintf(socket_dir, sizeof(socket_dir), "unix_socket_directories=%s", pg->dir);
	{
		const char *const argv[] = {"postgres",
					    "-D",
					    data,
					    "-c",
					    socket_dir,
					    "-c",
					    "listen_addresses=",
					    "-c",
					    "fsync=off",
					    "-c",
					    "shared_buffers=16MB",
					    NULL};

		pg->pid = pg_spawn(pg, argv);
	}
	(void)snprintf(pg->conninfo, sizeof(pg->conninfo), "host=%s user=test dbname=postgres",
		       pg->dir);
	pg->db = db_create(pg->conninfo, "unit test");
	assert_non_null(pg->db);
	pg_wait_until_up(pg);
	pg_apply_migrations(pg);
}

static inline void pg_stop(struct pg *pg)
{
	const char *const rm[] = {"rm", "-rf", pg->dir, NULL};
	struct err e;

	db_destroy(pg->db);
	if (pg->pid > 0) {
		kill(pg->pid, SIGINT);
		waitpid(pg->pid, NULL, 0);
	}
	if (pg->dir[0]) {
		assert_ok(proc_run(&(struct proc_opts){.argv = rm, .timeout_ms = 10000}, &e));
	}
}
