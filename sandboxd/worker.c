#include "worker.h"

#include "clock.h"
#include "db.h"
#include "driver.h"
#include "driver_docker.h"
#include "http_client.h"
#include "settings.h"

#include <errno.h>
#include <poll.h>

int worker_init(struct worker *w, struct sandboxd *d, const char *name, struct err *e)
{
	*w = (struct worker){.sandboxd = d};
	w->db = db_create(d->settings->db_conninfo, name);
	w->driver = driver_docker_create(d->settings);
	w->agents = http_client_create();
	if (!w->db || !w->driver || !w->agents) {
		worker_fini(w);
		return err_set(e, ERR_INTERNAL, "out of memory");
	}
	return 0;
}

void worker_fini(struct worker *w)
{
	db_destroy(w->db);
	driver_destroy(w->driver);
	http_client_destroy(w->agents);
	*w = (struct worker){0};
}

bool worker_wait(const struct worker *w, int64_t deadline_ms)
{
	struct pollfd p = {.fd = w->sandboxd->stop_fd, .events = POLLIN};
	int n;

	do {
		n = poll(&p, 1, clock_poll_timeout(deadline_ms));
	} while (n < 0 && errno == EINTR);
	return n != 0;
}
