/*
 * The contract of driver.h, tried against a real runtime: every driver must pass it.
 *
 *	driver-contract SOCKET IMAGE     (cmocka; run by driver.test.mjs)
 *
 * IMAGE is the sandbox image, whose first program is the agent.
 */

#include "../unit/unit.h"

#include "cleanup.h"
#include "clock.h"
#include "driver.h"
#include "driver_docker.h"
#include "http_client.h"
#include "settings.h"
#include "strbuf.h"
#include "token.h"

#include <arpa/inet.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define PATIENCE_MS 15000

static const char *socket_path, *image_name;
static char owner[60];
static char image_id[DRIVER_ID_BYTES];

struct fixture {
	struct settings settings;
	struct driver *driver;
	char sandbox[UUID_TEXT_BYTES];
	char name[DRIVER_NAME_BYTES];
	char workspace[PATH_MAX], sockdir[PATH_MAX];
	char env_id[80], env_listen[80];
	struct driver_spec spec;
};

static void make_dir(char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "/tmp/slipway-driver-XXXXXX");
	assert_non_null(mkdtemp(path));
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->settings = (struct settings){.docker_socket = socket_path};
	f->driver = driver_docker_create(&f->settings);
	assert_non_null(f->driver);
	uuid_new(f->sandbox);
	(void)snprintf(f->name, sizeof(f->name), "%s-%s", owner, f->sandbox);
	(void)snprintf(f->env_id, sizeof(f->env_id), "SLIPWAY_SANDBOX_ID=%s", f->sandbox);
	(void)snprintf(f->env_listen, sizeof(f->env_listen),
		       "SLIPWAY_LISTEN=unix:/run/slipway/agent.sock");
	make_dir(f->workspace);
	make_dir(f->sockdir);
	f->spec = (struct driver_spec){
		.name = f->name,
		.image = image_id,
		.runtime = "runc",
		.hostname = "sandbox",
		.labels = {{DRIVER_LABEL_OWNER, owner}, {DRIVER_LABEL_ID, f->sandbox}},
		.env = {f->env_id, "SLIPWAY_UID=1000000000", "SLIPWAY_RUNS_MAX=1",
			"SLIPWAY_RUN_QUEUE=1", f->env_listen},
		.binds = {{f->workspace, "/workspace", false}, {f->sockdir, "/run/slipway", false}},
		.memory_bytes = 128LL << 20,
		.cpu_milli = 500,
		.pids_max = 32,
		.tmp_bytes = 8LL << 20,
	};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char socket[PATH_MAX + 16];
	struct err e;

	assert_ok(f->driver->ops->remove(f->driver, f->name, &e));
	(void)snprintf(socket, sizeof(socket), "%s/agent.sock", f->sockdir);
	(void)unlink(socket);
	assert_int_equal(rmdir(f->sockdir), 0);
	assert_int_equal(rmdir(f->workspace), 0);
	driver_destroy(f->driver);
	free(f);
	return 0;
}

static void create(struct fixture *f, char id[DRIVER_ID_BYTES])
{
	struct err e;

	assert_ok(f->driver->ops->create(f->driver, &f->spec, id, &e));
}

static void create_and_start(struct fixture *f, char id[DRIVER_ID_BYTES])
{
	struct err e;

	create(f, id);
	assert_ok(f->driver->ops->start(f->driver, id, &e));
}

static bool is_listed(struct fixture *f, const char *whose, const char *id, bool *ret_running)
{
	auto_free struct driver_container *list = NULL;
	bool found = false;
	struct err e;
	size_t n;

	assert_ok(f->driver->ops->list(f->driver, whose, &list, &n, &e));
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].id, id) == 0) {
			assert_string_equal(list[i].sandbox, f->sandbox);
			*ret_running = list[i].running;
			found = true;
		}
	}
	return found;
}

static void test_answers(void **state)
{
	struct fixture *f = *state;
	struct err e;

	assert_ok(f->driver->ops->ping(f->driver, 5000, &e));
}

static void test_finds_images(void **state)
{
	struct fixture *f = *state;
	char id[DRIVER_ID_BYTES];
	struct err e;

	assert_ok(f->driver->ops->image_find(f->driver, image_name, id, &e));
	assert_string_equal(id, image_id);
	assert_err(f->driver->ops->image_find(f->driver, "slipway-no-such-image:none", id, &e),
		   ERR_NOT_FOUND);
}

static void test_create_start_stop_remove(void **state)
{
	struct fixture *f = *state;
	const struct driver_ops *ops = f->driver->ops;
	struct driver_container c;
	char id[DRIVER_ID_BYTES];
	bool running = true;
	struct err e;

	create(f, id);
	assert_ok(ops->inspect(f->driver, f->name, &c, &e));
	assert_string_equal(c.id, id);
	assert_string_equal(c.sandbox, f->sandbox);
	assert_false(c.running);
	assert_true(is_listed(f, owner, id, &running));
	assert_false(running);

	assert_ok(ops->start(f->driver, id, &e));
	assert_ok(ops->inspect(f->driver, id, &c, &e));
	assert_true(c.running);
	assert_true(is_listed(f, owner, id, &running));
	assert_true(running);

	assert_ok(ops->stop(f->driver, id, 2, &e));
	assert_ok(ops->inspect(f->driver, id, &c, &e));
	assert_false(c.running);
	assert_ok(ops->stop(f->driver, id, 2, &e));

	assert_ok(ops->remove(f->driver, id, &e));
	assert_err(ops->inspect(f->driver, id, &c, &e), ERR_NOT_FOUND);
	assert_false(is_listed(f, owner, id, &running));
}

static void test_name_is_taken_once(void **state)
{
	struct fixture *f = *state;
	char id[DRIVER_ID_BYTES], other[DRIVER_ID_BYTES];
	struct err e;

	create(f, id);
	assert_err(f->driver->ops->create(f->driver, &f->spec, other, &e), ERR_CONFLICT);
}

static void test_removes_what_runs(void **state)
{
	struct fixture *f = *state;
	struct driver_container c;
	char id[DRIVER_ID_BYTES];
	struct err e;

	create_and_start(f, id);
	assert_ok(f->driver->ops->remove(f->driver, f->name, &e));
	assert_err(f->driver->ops->inspect(f->driver, id, &c, &e), ERR_NOT_FOUND);
}

static void test_what_is_gone(void **state)
{
	struct fixture *f = *state;
	const struct driver_ops *ops = f->driver->ops;
	struct driver_container c;
	struct err e;

	assert_err(ops->inspect(f->driver, f->name, &c, &e), ERR_NOT_FOUND);
	assert_err(ops->start(f->driver, f->name, &e), ERR_NOT_FOUND);
	assert_ok(ops->stop(f->driver, f->name, 1, &e));
	assert_ok(ops->remove(f->driver, f->name, &e));
}

static void test_lists_only_the_owners(void **state)
{
	struct fixture *f = *state;
	char id[DRIVER_ID_BYTES];
	bool running;

	create(f, id);
	assert_false(is_listed(f, "slipway-somebody-else", id, &running));
}

/* A directory made in its place would be the host's disk. */
static void test_missing_bind_source_is_refused(void **state)
{
	struct fixture *f = *state;
	char missing[PATH_MAX], id[DRIVER_ID_BYTES];
	struct stat st;
	struct err e;

	(void)snprintf(missing, sizeof(missing), "%.200s-missing", f->workspace);
	f->spec.binds[0].host_path = missing;
	if (f->driver->ops->create(f->driver, &f->spec, id, &e) == 0) {
		assert_err(f->driver->ops->start(f->driver, id, &e), ERR_UPSTREAM);
	}
	assert_int_equal(stat(missing, &st), -1);
}

/* Until the container has ended; a driver has no call that waits for that. */
static void wait_ended(struct fixture *f, const char *id, struct driver_container *ret)
{
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
	struct err e;

	do {
		assert_true(clock_mono_ms() < deadline_ms);
		(void)poll(NULL, 0, 10);
		assert_ok(f->driver->ops->inspect(f->driver, id, ret, &e));
	} while (ret->running);
}

static void test_tells_how_it_ended(void **state)
{
	struct fixture *f = *state;
	struct driver_container c;
	char id[DRIVER_ID_BYTES];
	auto_strbuf words;
	struct err e;

	(void)snprintf(f->env_listen, sizeof(f->env_listen), "SLIPWAY_LISTEN=nonsense");
	create_and_start(f, id);
	wait_ended(f, id, &c);
	assert_int_not_equal(c.exit_code, 0);
	assert_false(c.oom_killed);
	strbuf_init(&words, 300);
	assert_ok(f->driver->ops->last_words(f->driver, id, &words, &e));
	assert_non_null(strstr(words.data, "SLIPWAY_LISTEN"));
}

struct watched {
	struct fixture *f;
	atomic_bool ready, seen, end;
	int rc;
};

static void on_event(void *ctx, const char *sandbox)
{
	struct watched *w = ctx;

	if (strcmp(sandbox, w->f->sandbox) == 0) {
		atomic_store(&w->seen, true);
	}
}

static void on_ready(void *ctx)
{
	struct watched *w = ctx;

	atomic_store(&w->ready, true);
}

static bool keep_on(void *ctx)
{
	struct watched *w = ctx;

	return !atomic_load(&w->end);
}

/* On a driver of its own: a thread each. */
static void *watch(void *ctx)
{
	struct watched *w = ctx;
	struct driver *driver = driver_docker_create(&w->f->settings);
	struct err e;

	assert_non_null(driver);
	w->rc = driver->ops->watch(driver, owner, on_event, on_ready, keep_on, w, &e);
	driver_destroy(driver);
	return NULL;
}

static void wait_true(const atomic_bool *flag)
{
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;

	while (!atomic_load(flag)) {
		assert_true(clock_mono_ms() < deadline_ms);
		(void)poll(NULL, 0, 10);
	}
}

static void test_reports_deaths(void **state)
{
	struct fixture *f = *state;
	struct watched w = {.f = f, .rc = -1};
	char id[DRIVER_ID_BYTES];
	pthread_t thread;
	struct err e;

	create_and_start(f, id);
	assert_int_equal(pthread_create(&thread, NULL, watch, &w), 0);
	wait_true(&w.ready);
	assert_false(atomic_load(&w.seen));
	assert_ok(f->driver->ops->stop(f->driver, id, 0, &e));
	wait_true(&w.seen);
	atomic_store(&w.end, true);
	pthread_join(thread, NULL);
	assert_int_equal(w.rc, 0);
}

/* Every call names the runtime that does not answer. */
static void test_unreachable_runtime(void **state)
{
	struct fixture *f = *state;
	struct settings nowhere = {.docker_socket = "/nonexistent/docker.sock"};
	auto_free struct driver_container *list = NULL;
	struct watched w = {.f = f};
	struct driver_network n_wanted = {"x", owner, "slwx", "10.0.0.0/28", "10.0.0.1"};
	struct driver *d = driver_docker_create(&nowhere);
	const struct driver_ops *ops = d->ops;
	struct driver_container c;
	char id[DRIVER_ID_BYTES];
	struct err e;
	size_t n;

	assert_err(ops->ping(d, 5000, &e), ERR_UNAVAILABLE);
	assert_non_null(strstr(e.text, "Docker"));
	assert_err(ops->image_find(d, image_name, id, &e), ERR_UNAVAILABLE);
	assert_err(ops->create(d, &f->spec, id, &e), ERR_UNAVAILABLE);
	assert_err(ops->start(d, "x", &e), ERR_UNAVAILABLE);
	assert_err(ops->stop(d, "x", 1, &e), ERR_UNAVAILABLE);
	assert_err(ops->remove(d, "x", &e), ERR_UNAVAILABLE);
	assert_err(ops->inspect(d, "x", &c, &e), ERR_UNAVAILABLE);
	assert_err(ops->list(d, owner, &list, &n, &e), ERR_UNAVAILABLE);
	assert_err(ops->network_ensure(d, &n_wanted, &e), ERR_UNAVAILABLE);
	assert_err(ops->network_remove(d, "x", &e), ERR_UNAVAILABLE);
	assert_err(ops->watch(d, owner, on_event, on_ready, keep_on, &w, &e), ERR_UNAVAILABLE);
	driver_destroy(d);
}

static void test_unknown_runtime_is_refused(void **state)
{
	struct fixture *f = *state;
	char id[DRIVER_ID_BYTES];
	struct err e;

	f->spec.runtime = "no-such-runtime";
	if (f->driver->ops->create(f->driver, &f->spec, id, &e) == 0) {
		assert_err(f->driver->ops->start(f->driver, id, &e), ERR_UPSTREAM);
	}
}

/* A network of this run's own. */
static struct driver_network network_of(struct fixture *f, char name[80], char interface[16],
					char subnet[24], char gateway[24])
{
	unsigned int n = (unsigned int)getpid() % 256;

	(void)f;
	(void)snprintf(name, 80, "%s-net", owner);
	(void)snprintf(interface, 16, "slwdc%u", n);
	(void)snprintf(subnet, 24, "10.214.%u.0/28", n);
	(void)snprintf(gateway, 24, "10.214.%u.1", n);
	return (struct driver_network){.name = name,
				       .owner = owner,
				       .interface = interface,
				       .subnet = subnet,
				       .gateway = gateway};
}

static void test_networks_are_as_wanted(void **state)
{
	struct fixture *f = *state;
	const struct driver_ops *ops = f->driver->ops;
	char name[80], interface[16], subnet[24], gateway[24], id[DRIVER_ID_BYTES];
	struct driver_network n = network_of(f, name, interface, subnet, gateway);
	struct driver_network second;
	struct err e;

	assert_ok(ops->network_remove(f->driver, name, &e));
	assert_ok(ops->network_ensure(f->driver, &n, &e));
	assert_ok(ops->network_ensure(f->driver, &n, &e));
	second = n;
	second.name = "slipway-contract-second";
	assert_err(ops->network_ensure(f->driver, &second, &e), ERR_CONFLICT);

	/* Another gateway makes it another network: replaced while nobody uses it, only then. */
	gateway[strlen(gateway) - 1] = '2';
	assert_ok(ops->network_ensure(f->driver, &n, &e));
	f->spec.network = name;
	create_and_start(f, id);
	assert_err(ops->network_remove(f->driver, name, &e), ERR_CONFLICT);
	assert_ok(ops->remove(f->driver, id, &e));
	assert_ok(ops->network_remove(f->driver, name, &e));
	assert_ok(ops->network_remove(f->driver, name, &e));
}

/* A listener on loopback; its port. */
static int taken_port(int *ret_fd)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*ret_fd = fd;
	return ntohs(in.sin_port);
}

static void test_taken_port_is_a_conflict(void **state)
{
	struct fixture *f = *state;
	const struct driver_ops *ops = f->driver->ops;
	char name[80], interface[16], subnet[24], gateway[24], id[DRIVER_ID_BYTES];
	struct driver_network n = network_of(f, name, interface, subnet, gateway);
	struct err e;
	int fd;

	assert_ok(ops->network_ensure(f->driver, &n, &e));
	f->spec.network = name;
	f->spec.container_port = 7411;
	f->spec.host_port = taken_port(&fd);
	create(f, id);
	assert_err(ops->start(f->driver, id, &e), ERR_CONFLICT);
	close(fd);
	assert_ok(ops->start(f->driver, id, &e));
	assert_ok(ops->remove(f->driver, id, &e));
	assert_ok(ops->network_remove(f->driver, name, &e));
}

static int prepare(struct err *e)
{
	struct settings s = {.docker_socket = socket_path};
	struct driver *d;
	int rc;

	if (http_client_global_init(e) < 0 || token_global_init(e) < 0) {
		return -1;
	}
	(void)snprintf(owner, sizeof(owner), "slipway-contract-%d", (int)getpid());
	d = driver_docker_create(&s);
	rc = d ? d->ops->image_find(d, image_name, image_id, e)
	       : err_set(e, ERR_INTERNAL, "out of memory");
	driver_destroy(d);
	return rc;
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(test_answers),
		CASE(test_finds_images),
		CASE(test_create_start_stop_remove),
		CASE(test_name_is_taken_once),
		CASE(test_removes_what_runs),
		CASE(test_what_is_gone),
		CASE(test_lists_only_the_owners),
		CASE(test_missing_bind_source_is_refused),
		CASE(test_tells_how_it_ended),
		CASE(test_reports_deaths),
		CASE(test_unreachable_runtime),
		CASE(test_unknown_runtime_is_refused),
		CASE(test_networks_are_as_wanted),
		CASE(test_taken_port_is_a_conflict),
	};
	struct err e = {0};

	if (argc != 3) {
		(void)fprintf(stderr, "usage: driver-contract SOCKET IMAGE\n");
		return 2;
	}
	socket_path = argv[1];
	image_name = argv[2];
	if (prepare(&e) < 0) {
		(void)fprintf(stderr, "driver-contract: %s\n", e.text);
		return 1;
	}
	return cmocka_run_group_tests_name("the Docker driver", tests, NULL, NULL);
}
