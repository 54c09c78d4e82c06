/* Slots, users' limits and figures, shared by processes of which some die. */

#include "clock.h"
#include "scoreboard.h"
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>

static const int slots[POOL_COUNT] = {2, 3, 1, 1};

static struct scoreboard *make_board(void)
{
	struct scoreboard *b = NULL;
	struct err e;

	assert_ok(scoreboard_create(slots, &b, &e));
	for (int i = 0; i < scoreboard_workers(b); i++) {
		scoreboard_started(b, i, getpid());
	}
	return b;
}

static bool enter(struct scoreboard *b, int worker)
{
	return scoreboard_enter(b, worker, "rq", clock_mono_ms() + 1000, 0);
}

static void has_spare_workers(void **state)
{
	struct scoreboard *b = make_board();

	(void)state;
	assert_int_equal(scoreboard_workers(b), 2 + 3 + 1 + 1 + 4 * SCOREBOARD_SPARES);
	assert_int_equal(scoreboard_pool(b, 0), POOL_SHORT);
	assert_int_equal(scoreboard_pool(b, 3), POOL_SHORT);
	assert_int_equal(scoreboard_pool(b, 4), POOL_RUN);
	assert_int_equal(scoreboard_pool(b, 9), POOL_STREAM);
	assert_int_equal(scoreboard_pool(b, 14), POOL_WATCH);
	scoreboard_destroy(b);
}

static void gives_out_each_slot_once(void **state)
{
	struct scoreboard *b = make_board();

	(void)state;
	assert_true(enter(b, 0));
	assert_true(enter(b, 2));
	assert_false(enter(b, 1));
	assert_true(enter(b, 4)); /* another pool */
	scoreboard_leave(b, 2, 200, 1);
	assert_true(enter(b, 1));
	scoreboard_destroy(b);
}

static void frees_what_the_dead_held(void **state)
{
	struct scoreboard *b = make_board();
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		_exit(enter(b, 0) && enter(b, 1) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(enter(b, 2));
	scoreboard_gone(b, 0, true);
	assert_true(enter(b, 2));
	scoreboard_destroy(b);
}

/* Many processes, each in a loop: never more inside than slots, and a killed one spoils nothing. */
static void counts_across_processes(void **state)
{
	struct scoreboard *b = make_board();
	pid_t pids[5];
	int64_t until = clock_mono_ms() + 300;

	(void)state;
	for (int i = 0; i < 5; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			for (;;) {
				if (enter(b, 4 + i)) {
					scoreboard_leave(b, 4 + i, 200, 0);
				}
			}
		}
	}
	while (clock_mono_ms() < until) {
		struct scoreboard_stats s;

		scoreboard_stats(b, POOL_RUN, &s);
		assert_in_range(s.busy, 0, 3);
	}
	for (int i = 0; i < 5; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		scoreboard_gone(b, 4 + i, true);
	}
	assert_true(enter(b, 4) && enter(b, 5) && enter(b, 6));
	assert_false(enter(b, 7));
	scoreboard_destroy(b);
}

static void waits_for_a_slot(void **state)
{
	struct scoreboard *b = make_board();
	int64_t start;
	pid_t pid;

	(void)state;
	assert_true(enter(b, 9)); /* the only stream slot */
	start = clock_mono_ms();
	assert_false(scoreboard_enter(b, 10, "rq", start + 1000, 30));
	assert_true(clock_mono_ms() - start >= 30);
	pid = fork();
	if (pid == 0) {
		_exit(scoreboard_enter(b, 10, "rq", start + 60000, 30000) ? 0 : 1);
	}
	scoreboard_leave(b, 9, 200, 1);
	int status = 1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(clock_mono_ms() - start < 10000);
	scoreboard_destroy(b);
}

static void keeps_users_to_their_limit(void **state)
{
	struct scoreboard *b = make_board();

	(void)state;
	assert_true(enter(b, 4) && enter(b, 5) && enter(b, 6));
	assert_true(scoreboard_claim(b, 4, "ada", RATE_RUN, 1, 0));
	assert_false(scoreboard_claim(b, 5, "ada", RATE_RUN, 1, 0));
	assert_true(scoreboard_claim(b, 5, "bob", RATE_RUN, 1, 0));
	assert_true(scoreboard_claim(b, 6, "ada", RATE_GENERATION, 1, 0));
	scoreboard_leave(b, 4, 200, 1);
	assert_true(enter(b, 4));
	assert_true(scoreboard_claim(b, 4, "ada", RATE_RUN, 1, 0));
	scoreboard_gone(b, 4, true); /* died with it */
	assert_true(enter(b, 4));
	assert_true(scoreboard_claim(b, 4, "ada", RATE_RUN, 1, 0));
	scoreboard_destroy(b);
}

static void counts_figures(void **state)
{
	struct scoreboard *b = make_board();
	struct scoreboard_stats s;
	struct scoreboard_entry entry;

	(void)state;
	assert_true(enter(b, 0));
	scoreboard_set_deadline(b, 0, 4711);
	scoreboard_read(b, 0, &entry);
	assert_true(entry.busy);
	assert_int_equal(entry.deadline_ms, 4711);
	assert_string_equal(entry.request_id, "rq");
	scoreboard_stats(b, POOL_SHORT, &s);
	assert_int_equal(s.busy, 1);
	assert_int_equal(s.slots, 2);
	scoreboard_leave(b, 0, 204, 5);
	assert_true(enter(b, 0));
	scoreboard_leave(b, 0, 503, 99999999);
	assert_true(enter(b, 0));
	scoreboard_leave(b, 0, 0, -1);
	scoreboard_reject(b, 1, 503);
	scoreboard_gone(b, 1, true);
	scoreboard_stats(b, POOL_SHORT, &s);
	assert_int_equal(s.busy, 0);
	assert_int_equal(s.requests[1], 1);
	assert_int_equal(s.requests[4], 3);
	assert_int_equal(s.buckets[0], 2);
	assert_int_equal(s.buckets[SCOREBOARD_BUCKETS], 1);
	assert_int_equal(s.rejected_full, 1);
	assert_int_equal(s.restarts, 1);
	scoreboard_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_spare_workers),
		cmocka_unit_test(gives_out_each_slot_once),
		cmocka_unit_test(frees_what_the_dead_held),
		cmocka_unit_test(counts_across_processes),
		cmocka_unit_test(waits_for_a_slot),
		cmocka_unit_test(keeps_users_to_their_limit),
		cmocka_unit_test(counts_figures),
	};

	return cmocka_run_group_tests_name("scoreboard", tests, NULL, NULL);
}
