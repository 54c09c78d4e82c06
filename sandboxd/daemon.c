#include "daemon.h"

#include "cleanup.h"
#include "clock.h"
#include "image_builder.h"
#include "jobs.h"
#include "keeper.h"
#include "log.h"
#include "notices.h"
#include "server.h"
#include "settings.h"
#include "stop_all.h"
#include "tree.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <time.h>

#define REQUEST_THREADS	  8
#define DRAIN_DEADLINE_MS 20000

struct threads {
	pthread_t ids[REQUEST_THREADS + JOBS_THREADS + 3];
	size_t n;
};

/* Two daemons over one state directory would undo each other's work. */
static int take_lock(const struct settings *s, int *ret_fd, struct err *e)
{
	auto_close int fd = open(s->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot open %s", s->lock_path);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		return err_set(e, ERR_CONFLICT, "another slipway-sandboxd holds %s", s->lock_path);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int start_thread(struct threads *t, void *(*run)(void *), void *arg, struct err *e)
{
	int rc = pthread_create(&t->ids[t->n], NULL, run, arg);

	if (rc != 0) {
		return err_set(e, ERR_INTERNAL, "cannot start a thread: %s", strerror(rc));
	}
	t->n++;
	return 0;
}

static int start_threads(struct threads *t, struct server_ctx *server, struct err *e)
{
	struct sandboxd *d = server->sandboxd;

	if (start_thread(t, keeper_run, d, e) < 0 || start_thread(t, event_watch_run, d, e) < 0 ||
	    start_thread(t, patrol_run, d, e) < 0) {
		return -1;
	}
	for (int i = 0; i < JOBS_THREADS; i++) {
		if (start_thread(t, jobs_run, d, e) < 0) {
			return -1;
		}
	}
	for (int i = 0; i < REQUEST_THREADS; i++) {
		if (start_thread(t, server_run, server, e) < 0) {
			return -1;
		}
	}
	return 0;
}

static void begin_end(struct sandboxd *d)
{
	uint64_t one = 1;
	ssize_t ignored;

	atomic_store(&d->stopping, true);
	ignored = write(d->stop_fd, &one, sizeof(one));
	(void)ignored;
	jobs_end(d->jobs);
}

/* True when every thread ended before the deadline. */
static bool join_threads(struct threads *t, int64_t deadline_ms)
{
	struct timespec until = {.tv_sec = deadline_ms / 1000,
				 .tv_nsec = deadline_ms % 1000 * 1000000};
	bool all = true;

	for (size_t i = 0; i < t->n; i++) {
		if (pthread_clockjoin_np(t->ids[i], NULL, CLOCK_MONOTONIC, &until) != 0) {
			all = false;
		}
	}
	return all;
}

static void wait_for_signal(const sigset_t *set)
{
	int signal_number = 0;

	while (sigwait(set, &signal_number) != 0) {
	}
	log_info("ending", "{s:s}", "signal", strsignal(signal_number));
}

static int serve(struct sandboxd *d, const sigset_t *signals, struct err *e)
{
	struct server_ctx server = {.sandboxd = d, .listen_fd = -1};
	struct threads threads = {0};
	int rc;

	if (server_listen(d, &server.listen_fd, e) < 0) {
		return -1;
	}
	rc = start_threads(&threads, &server, e);
	if (rc == 0) {
		log_info("serving", "{s:s,s:s}", "socket", d->settings->broker_socket, "instance",
			 d->settings->instance);
		wait_for_signal(signals);
	}
	(void)unlink(d->settings->broker_socket);
	begin_end(d);
	if (!join_threads(&threads, clock_mono_ms() + DRAIN_DEADLINE_MS)) {
		/* What they hold is on this stack: ending the process is the only safe way out.
		 * What they left half done is settled at the next start. */
		log_warn("drain_incomplete", NULL);
		_exit(1);
	}
	close(server.listen_fd);
	if (rc == 0 && d->settings->stop_sandboxes) {
		stop_all(d);
	}
	return rc;
}

static void end_signals(sigset_t *set)
{
	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	/* Blocked before there are threads, which inherit that: only sigwait sees them. */
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

static int shared_init(struct sandboxd *d, struct notices *notices, struct err *e)
{
	keylock_init(&d->locks);
	pthread_mutex_init(&d->claim_mutex, NULL);
	d->images = image_builder_create(d);
	d->jobs = jobs_create();
	d->trees = trees_create();
	d->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!d->images || !d->jobs || !d->trees || d->stop_fd < 0) {
		return err_errno(e, ERR_INTERNAL, "cannot start");
	}
	if (notices_init(notices, e) < 0) {
		return -1;
	}
	d->notices = notices;
	return 0;
}

static void shared_fini(struct sandboxd *d)
{
	if (d->notices) {
		notices_fini(d->notices);
	}
	cleanup_close(&d->stop_fd);
	trees_destroy(d->trees);
	jobs_destroy(d->jobs);
	image_builder_destroy(d->images);
	pthread_mutex_destroy(&d->claim_mutex);
	keylock_fini(&d->locks);
}

int daemon_run(const struct settings *s, struct err *e)
{
	struct sandboxd d = {.settings = s, .stop_fd = -1};
	auto_close int lock = -1;
	struct notices notices;
	sigset_t signals;
	int rc;

	end_signals(&signals);
	if (settings_make_dirs(s, e) < 0 || take_lock(s, &lock, e) < 0) {
		return -1;
	}
	if (!s->has_api_uid) {
		log_warn("no_api_account", "{s:s}", "detail",
			 "there is no account slipway-api: only root may call");
	}
	rc = shared_init(&d, &notices, e);
	if (rc == 0) {
		rc = serve(&d, &signals, e);
	}
	shared_fini(&d);
	if (rc == 0) {
		log_info("ended", NULL);
	}
	return rc;
}
