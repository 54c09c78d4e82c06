/* What starting apps rests on: firewall rules read back, the network's settings, jobs. */

#include "unit.h"

#include "sandboxd/firewall.c"
#include "sandboxd/jobs.c"
#include "sandboxd/settings.c"

static struct net_settings net;

static void set_net(void)
{
	struct err e;

	assert_ok(set_network(&net, "slipway", "10.213.0.0/20", 4873, &e));
}

/* firewall */

/* A table in which our rules are in force, after the lines of `first`. */
static void table_in_force(struct strbuf *t, const struct ruleset *r, const char *first)
{
	strbuf_init(t, 65536);
	strbuf_adds(t, "# Warning: something\n-P INPUT ACCEPT\n-N DOCKER-USER\n");
	strbuf_adds(t, first);
	strbuf_addf(t, "-A INPUT -j %s\n-A INPUT -j ACCEPT\n", r->input.name);
	strbuf_addf(t, "-A FORWARD -j DOCKER-USER\n-A FORWARD -j %s\n", r->forward.name);
	strbuf_addf(t, "-A DOCKER-USER -j SLW-F-00000000\n-A DOCKER-USER -j %s\n", r->forward.name);
	for (size_t i = 0; i < r->forward.n; i++) {
		strbuf_addf(t, "-A %s %s\n", r->forward.name, r->forward.rules[i]);
	}
	for (size_t i = 0; i < r->input.n; i++) {
		strbuf_addf(t, "-A %s %s\n", r->input.name, r->input.rules[i]);
	}
}

static bool holds(const struct ruleset *r, const char *first, const char *cut, const char *last)
{
	auto_strbuf t;
	bool in;

	table_in_force(&t, r, first);
	if (cut) {
		char *at = strstr(t.data, cut);

		assert_non_null(at);
		memset(at, '#', strlen(cut) - 1);
	}
	strbuf_adds(&t, last);
	in = in_force(t.data, r);
	return in;
}

static void test_rules_are_read_back(void **state)
{
	struct ruleset r;
	char line[300];

	(void)state;
	set_net();
	wanted(&net, false, &r);
	assert_true(holds(&r, "", NULL, ""));
	assert_true(holds(&r, "-A INPUT -j SLW-I-00000000\n", NULL, ""));
	assert_false(in_force("", &r));
	assert_false(holds(&r, "-A INPUT -j ACCEPT\n", NULL, ""));
	assert_false(holds(&r, "-A INPUT -i lo -j ACCEPT\n", NULL, ""));
	assert_false(holds(&r, "-A DOCKER-USER -j ACCEPT\n", NULL, ""));
	/* With something before Docker's chain, ours has to be before that. */
	assert_false(holds(&r, "-A FORWARD -j ACCEPT\n", NULL, ""));
	(void)snprintf(line, sizeof(line), "-A %s -j ACCEPT\n", r.input.name);
	assert_false(holds(&r, "", NULL, line));
	assert_false(holds(&r, line, NULL, ""));
	for (size_t i = 0; i < r.input.n; i++) {
		(void)snprintf(line, sizeof(line), "-A %s %s\n", r.input.name, r.input.rules[i]);
		assert_false(holds(&r, "", line, ""));
	}
	for (size_t i = 0; i < r.forward.n; i++) {
		(void)snprintf(line, sizeof(line), "-A %s %s\n", r.forward.name,
			       r.forward.rules[i]);
		assert_false(holds(&r, "", line, ""));
	}
	(void)snprintf(line, sizeof(line), "-A FORWARD -j %s\n", r.forward.name);
	assert_false(holds(&r, "", line, ""));
}

static void test_no_family_lets_the_bridge_in(void **state)
{
	struct ruleset r;

	(void)state;
	set_net();
	wanted(&net, true, &r);
	assert_int_equal(r.input.n, 1);
	assert_non_null(strstr(r.input.rules[0], "-j DROP"));
	assert_true(strlen(r.forward.name) <= 28 && strlen(r.input.name) <= 28);
}

/* settings */

static void test_subnets(void **state)
{
	static const char *const bad[] = {"",
					  "10.0.0.0",
					  "10.213.0.1/20",
					  "10.213.0.0/29",
					  "10.0.0.0/7",
					  "10.213.0.0/20x",
					  "300.0.0.0/20",
					  "10.213.0.0/020",
					  " 10.213.0.0/20",
					  "10.213.0.0/-20",
					  "fd00::/64"};
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_err(set_network(&net, "slipway", bad[i], 4873, &e), ERR_INVALID);
		assert_non_null(strstr(e.text, "SLIPWAY_APP_SUBNET"));
	}
	set_net();
	assert_string_equal(net.gateway, "10.213.0.1");
	assert_string_equal(net.name, "slipway-slipway");
	assert_true(strlen(net.interface) <= 15);
	assert_int_equal(strncmp(net.interface + 3, net.chains, 8), 0);
}

/* jobs */

#define USER	"11111111-1111-4111-8111-111111111111"
#define PROJECT "22222222-2222-4222-8222-222222222222"
#define OTHER	"33333333-3333-4333-8333-333333333333"

static void submit(struct jobs *j, const char *project, bool restart, bool wake)
{
	struct err e;

	assert_ok(jobs_submit(j, USER, project, restart, wake, &e));
}

static size_t count_jobs(const struct jobs *j)
{
	size_t n = 0;

	for (size_t i = 0; i < JOBS_MAX; i++) {
		n += j->jobs[i].project_id[0] != '\0';
	}
	return n;
}

static void test_one_job_for_a_project(void **state)
{
	struct jobs *j = jobs_create();
	struct job *job;

	(void)state;
	submit(j, PROJECT, false, false);
	submit(j, OTHER, false, false);
	submit(j, PROJECT, true, false);
	assert_int_equal(count_jobs(j), 2);
	job = take(j); /* the first that came */
	assert_string_equal(job->project_id, PROJECT);
	assert_true(job->restart);
	assert_false(job->again);
	submit(j, PROJECT, false, true); /* a wake is satisfied by what is under way */
	assert_false(job->again);
	submit(j, PROJECT, false, false); /* what was asked for may have come too late */
	assert_true(job->again);
	put_back(j, job, START_OVER, 0);
	assert_true(jobs_has(j, PROJECT));
	job = take(j);
	assert_string_equal(job->project_id, OTHER);
	put_back(j, job, START_OVER, 0);
	put_back(j, take(j), START_OVER, 0);
	assert_int_equal(count_jobs(j), 0);
	jobs_destroy(j);
}

static void test_cancelled_jobs(void **state)
{
	struct jobs *j = jobs_create();
	struct job_ctx ctx = {.jobs = j};

	(void)state;
	submit(j, PROJECT, false, false);
	jobs_cancel(j, PROJECT);
	assert_false(jobs_has(j, PROJECT));
	submit(j, PROJECT, true, false);
	ctx.job = take(j);
	assert_false(is_cancelled(&ctx));
	jobs_cancel(j, PROJECT);
	assert_true(is_cancelled(&ctx));
	assert_false(take_restart(&ctx));
	/* Asked for after the stop: done after the job has got out of the way. */
	submit(j, PROJECT, false, true);
	put_back(j, ctx.job, START_WAITS_FOR_PLACE, 60000);
	ctx.job = take(j);
	assert_false(is_cancelled(&ctx));
	put_back(j, ctx.job, START_OVER, 0);
	assert_int_equal(count_jobs(j), 0);
	jobs_destroy(j);
}

static void test_waiting_jobs_let_others_by(void **state)
{
	struct jobs *j = jobs_create();
	int64_t look_ms;
	struct job *job;

	(void)state;
	submit(j, PROJECT, false, false);
	job = take(j);
	put_back(j, job, START_WAITS_FOR_PLACE, 60000);
	assert_true(job->give_up_ms[START_WAITS_FOR_PLACE] > clock_mono_ms());
	assert_true(may_wait(job, START_WAITS_FOR_PACKAGES));
	assert_null(next_due(j, clock_mono_ms(), &look_ms));
	submit(j, OTHER, false, false);
	assert_string_equal(take(j)->project_id, OTHER);
	jobs_look_again(j);
	job = take(j);
	assert_string_equal(job->project_id, PROJECT);
	/* Each has its own patience, counted from when it first waited for it. */
	put_back(j, job, START_WAITS_FOR_PACKAGES, -1);
	assert_false(may_wait(job, START_WAITS_FOR_PACKAGES));
	assert_true(may_wait(job, START_WAITS_FOR_PLACE));
	jobs_end(j);
	assert_null(take(j));
	jobs_destroy(j);
}

static void test_jobs_are_bounded(void **state)
{
	struct jobs *j = jobs_create();
	char id[UUID_TEXT_BYTES];
	struct err e;

	(void)state;
	for (int i = 0; i < JOBS_MAX; i++) {
		uuid_new(id);
		submit(j, id, false, false);
	}
	assert_err(jobs_submit(j, USER, PROJECT, false, false, &e), ERR_RATE_LIMITED);
	submit(j, id, false, false); /* one that is waiting already */
	jobs_destroy(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_are_read_back),
		cmocka_unit_test(test_no_family_lets_the_bridge_in),
		cmocka_unit_test(test_subnets),
		cmocka_unit_test(test_one_job_for_a_project),
		cmocka_unit_test(test_cancelled_jobs),
		cmocka_unit_test(test_waiting_jobs_let_others_by),
		cmocka_unit_test(test_jobs_are_bounded),
	};

	return cmocka_run_group_tests_name("starting apps", tests, NULL, NULL);
}
