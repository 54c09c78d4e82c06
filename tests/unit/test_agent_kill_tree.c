/* kill_tree and proc_table: real processes that try to get away. */

#include "clock.h"
#include "kill_tree.h"
#include "proc_table.h"
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Seen by all processes of a test: how many came up, and who. */
struct shared {
	_Atomic int places; /* of pids, given away */
	_Atomic int up;	    /* who has written his */
	_Atomic pid_t pids[256];
};

static struct shared *shared;

static int make_shared(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return shared == MAP_FAILED ? -1 : 0;
}

static int drop_shared(void **state)
{
	(void)state;
	return munmap(shared, sizeof(*shared));
}

static void announce(void)
{
	int at = shared->places++;

	if (at < 256) {
		shared->pids[at] = getpid();
	}
	shared->up++;
}

__attribute__((noreturn)) static void stay(void)
{
	signal(SIGTERM, SIG_IGN);
	announce();
	for (;;) {
		pause();
	}
}

static void wait_up(int n)
{
	int64_t deadline = clock_mono_ms() + 10000;

	while (shared->up < n && clock_mono_ms() < deadline) {
		sched_yield();
	}
}

typedef void scene_fn(void);

/* Plays a scene beneath a subreaper that then kills it; 0 when nothing is left of it. */
static int supervise(scene_fn *scene, int n_expected)
{
	sigset_t chld;
	struct err e;
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	pid = fork();
	if (pid == 0) {
		scene();
		_exit(0);
	}
	wait_up(n_expected);
	if (shared->up < n_expected) {
		return 2;
	}
	if (kill_tree_all(clock_mono_ms() + 25000, NULL, NULL, &e) < 0) {
		(void)fprintf(stderr, "# %s\n", e.text);
		return 3;
	}
	return waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD ? 0 : 4;
}

static void check_scene(scene_fn *scene, int n_expected)
{
	int status;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (pid == 0) {
		alarm(30);
		_exit(supervise(scene, n_expected));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (int i = 0; i < shared->places && i < 256; i++) {
		if (shared->pids[i] == 0) {
			continue; /* killed before it could say who it was */
		}
		assert_int_equal(kill(shared->pids[i], 0), -1);
		assert_int_equal(errno, ESRCH);
	}
}

static void spawn_staying(void)
{
	if (fork() == 0) {
		stay();
	}
}

static void scene_plain(void)
{
	spawn_staying();
	spawn_staying();
	stay();
}

static void scene_daemons(void)
{
	/* Two forks, a session, and a parent that is gone before the killing. */
	for (int i = 0; i < 3; i++) {
		if (fork() == 0) {
			setsid();
			if (fork() == 0) {
				stay();
			}
			_exit(0);
		}
	}
}

static void scene_subreaper(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	scene_daemons();
	stay();
}

static void *stay_in_thread(void *arg)
{
	announce();
	for (;;) {
		pause();
	}
	return arg;
}

static void scene_first_thread_ends(void)
{
	pthread_t t;

	pthread_create(&t, NULL, stay_in_thread, NULL);
	syscall(SYS_exit, 0); /* this thread only */
}

static void scene_silent_clone(void)
{
	/* A child that will send no SIGCHLD, and one that is its maker's sibling. */
	if (syscall(SYS_clone, 0, NULL, NULL, NULL, NULL) == 0) {
		stay();
	}
	if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL) == 0) {
		stay();
	}
	stay();
}

/* Chains of processes, each of which lives only until it has a child. */
static void play_chains(int n, bool sessions)
{
	for (int i = 0; i < n; i++) {
		if (fork() == 0) {
			int64_t end = clock_mono_ms() + 20000;

			announce();
			while (clock_mono_ms() < end) {
				if (fork() != 0) {
					_exit(0);
				}
				if (sessions) {
					setsid();
				}
			}
			_exit(0);
		}
	}
	stay();
}

static void scene_chains(void)
{
	play_chains(10, false);
}

static void scene_chains_of_sessions(void)
{
	play_chains(3, true);
}

static void scene_stopped(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		stay();
	}
	wait_up(1);
	kill(pid, SIGSTOP);
	stay();
}

static void children_and_grandchildren_die(void **state)
{
	(void)state;
	check_scene(scene_plain, 3);
}

static void daemons_die(void **state)
{
	(void)state;
	check_scene(scene_daemons, 3);
}

static void those_beneath_another_subreaper_die(void **state)
{
	(void)state;
	check_scene(scene_subreaper, 4);
}

static void a_process_whose_first_thread_ended_dies(void **state)
{
	(void)state;
	check_scene(scene_first_thread_ends, 1);
}

static void children_that_send_no_signal_die(void **state)
{
	(void)state;
	check_scene(scene_silent_clone, 3);
}

static void what_forks_without_end_dies(void **state)
{
	(void)state;
	check_scene(scene_chains, 11);
}

static void what_forks_and_leaves_its_session_without_end_dies(void **state)
{
	(void)state;
	check_scene(scene_chains_of_sessions, 4);
}

static void what_was_stopped_dies(void **state)
{
	(void)state;
	check_scene(scene_stopped, 2);
}

struct reaped {
	pid_t pid;
	int status;
};

static void note(void *ctx, pid_t pid, int status)
{
	struct reaped *r = ctx;

	if (pid == r->pid) {
		r->status = status;
	}
}

static void the_status_of_a_child_is_told(void **state)
{
	struct reaped r = {.status = -1};
	struct err e;

	(void)state;
	memset(shared, 0, sizeof(*shared));
	r.pid = fork();
	if (r.pid == 0) {
		stay();
	}
	wait_up(1);
	assert_ok(kill_tree_all(clock_mono_ms() + 10000, note, &r, &e));
	assert_true(WIFSIGNALED(r.status));
	assert_int_equal(WTERMSIG(r.status), SIGKILL);
}

static void what_is_excepted_lives(void **state)
{
	size_t alive;
	pid_t spared, beneath;
	struct err e;
	int status;

	(void)state;
	memset(shared, 0, sizeof(*shared));
	spared = fork();
	if (spared == 0) {
		spawn_staying();
		stay();
	}
	wait_up(2);
	beneath = shared->pids[0] == spared ? shared->pids[1] : shared->pids[0];
	if (fork() == 0) {
		stay();
	}
	wait_up(3);
	do {
		assert_ok(kill_tree_pass(getpid(), &spared, 1, &alive, &e));
		(void)waitpid(shared->pids[2], &status, 0);
	} while (alive > 0);
	assert_int_equal(kill(spared, 0), 0);
	assert_int_equal(kill(beneath, 0), 0);
	assert_ok(kill_tree_all(clock_mono_ms() + 25000, NULL, NULL, &e));
}

static void a_stat_line_with_a_hostile_name_is_read(void **state)
{
	struct proc_entry p;

	(void)state;
	assert_true(
		proc_stat_parse("42 (a) R 1 (b) (Z 9 9) S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 "
				"0 3 0 12345 99 1",
				&p));
	assert_int_equal(p.pid, 42);
	assert_int_equal(p.ppid, 7);
	assert_int_equal(p.state, 'S');
	assert_int_equal(p.threads, 3);
	assert_int_equal(p.start, 12345);
	assert_false(proc_stat_parse("", &p));
	assert_false(proc_stat_parse("42 (cut", &p));
	assert_false(proc_stat_parse("42 (cut) S 7", &p));
}

static void a_chain_through_a_younger_parent_is_not_believed(void **state)
{
	struct proc_table t = {0};
	struct err e;

	(void)state;
	assert_ok(proc_table_read(&t, 1, NULL, 0, &e));
	for (size_t i = 0; i < t.n; i++) {
		if (t.entries[i].pid == getpid()) {
			assert_true(t.entries[i].ppid == getppid());
		}
	}
	proc_table_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_and_grandchildren_die),
		cmocka_unit_test(daemons_die),
		cmocka_unit_test(those_beneath_another_subreaper_die),
		cmocka_unit_test(a_process_whose_first_thread_ended_dies),
		cmocka_unit_test(children_that_send_no_signal_die),
		cmocka_unit_test(what_forks_without_end_dies),
		cmocka_unit_test(what_forks_and_leaves_its_session_without_end_dies),
		cmocka_unit_test(what_was_stopped_dies),
		cmocka_unit_test(the_status_of_a_child_is_told),
		cmocka_unit_test(what_is_excepted_lives),
		cmocka_unit_test(a_stat_line_with_a_hostile_name_is_read),
		cmocka_unit_test(a_chain_through_a_younger_parent_is_not_believed),
	};

	return cmocka_run_group_tests(tests, make_shared, drop_shared);
}
