#include "app_ports.h"

#include "cleanup.h"
#include "clock.h"

#include <string.h>

#define LISTENERS_MAX 256

/* A reading of /proc is not atomic, and a socket can be handed over to the app later: who does not
 * own one now is asked again, soon and then ever less often. */
#define FOREIGN_FIRST_MS 10
#define FOREIGN_LAST_MS	 320

/* Node's inspector, and those of its workers after it: a debugger's, not a visitor's. */
#define INSPECTOR_PORT	   9229
#define INSPECTOR_PORT_MAX 9260

void app_ports_clear(struct app_ports *p)
{
	*p = (struct app_ports){0};
}

struct app_port *app_ports_find(struct app_ports *p, in_port_t port)
{
	for (size_t i = 0; i < p->n; i++) {
		if (listener_port(&p->list[i].at) == port) {
			return &p->list[i];
		}
	}
	return NULL;
}

static bool is_inspector(const struct listener *l)
{
	return listener_port(l) >= INSPECTOR_PORT && listener_port(l) <= INSPECTOR_PORT_MAX;
}

static bool was_own(const struct app_ports *p, unsigned long inode)
{
	for (size_t i = 0; i < p->n_own; i++) {
		if (p->own[i] == inode) {
			return true;
		}
	}
	return false;
}

static struct foreign *find_foreign(struct app_ports *p, unsigned long inode)
{
	for (size_t i = 0; i < p->n_foreign; i++) {
		if (p->foreign[i].inode == inode) {
			return &p->foreign[i];
		}
	}
	return NULL;
}

static bool is_own(struct app_ports *p, const struct listener *l, pid_t root, uid_t uid, bool young)
{
	struct foreign *f;
	int held;

	if (was_own(p, l->inode)) {
		return true;
	}
	f = find_foreign(p, l->inode);
	if (f && clock_mono_ms() < f->again_ms) {
		return false;
	}
	held = listener_held_by(l, root, uid);
	if (held == 1 || (held < 0 && !young)) {
		return true;
	}
	if (!f && p->n_foreign < APP_PORTS_SOCKETS_MAX) {
		f = &p->foreign[p->n_foreign++];
		*f = (struct foreign){.inode = l->inode, .wait_ms = FOREIGN_FIRST_MS};
	}
	if (f) {
		f->again_ms = clock_mono_ms() + f->wait_ms;
		f->wait_ms = f->wait_ms < FOREIGN_LAST_MS ? 2 * f->wait_ms : FOREIGN_LAST_MS;
	}
	return false;
}

/* Forgets the sockets of others that are gone. */
static void sweep_foreign(struct app_ports *p, const struct listener *now, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n_foreign; i++) {
		for (size_t j = 0; j < n; j++) {
			if (now[j].inode == p->foreign[i].inode) {
				p->foreign[kept++] = p->foreign[i];
				break;
			}
		}
	}
	p->n_foreign = kept;
}

/* Adds to the new list what is not in it; of two with one port the one on IPv4 stays. */
static void note(struct app_ports *next, const struct app_port *known, const struct listener *l)
{
	struct app_port *same = app_ports_find(next, listener_port(l));
	size_t at = next->n;

	if (same) {
		if (l->at.ss_family == AF_INET) {
			same->at = *l;
		}
		return;
	}
	if (next->n == APP_PORTS_SEEN_MAX) {
		return;
	}
	while (at > 0 && listener_port(&next->list[at - 1].at) > listener_port(l)) {
		next->list[at] = next->list[at - 1];
		at--;
	}
	next->n++;
	next->list[at] = known ? *known : (struct app_port){.since_ms = clock_mono_ms()};
	next->list[at].at = *l;
}

static bool same_ports(const struct app_ports *a, const struct app_ports *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		if (listener_port(&a->list[i].at) != listener_port(&b->list[i].at)) {
			return false;
		}
	}
	return a->n == b->n;
}

bool app_ports_look(struct app_ports *p, pid_t root, uid_t uid, bool young)
{
	struct listener now[LISTENERS_MAX];
	struct app_ports next = {0};
	bool cheap, same;
	size_t n = listeners_read(now, LISTENERS_MAX, &cheap);

	sweep_foreign(p, now, n);
	for (size_t i = 0; i < n; i++) {
		if (now[i].uid != uid || is_inspector(&now[i]) ||
		    !is_own(p, &now[i], root, uid, young)) {
			continue;
		}
		if (next.n_own < APP_PORTS_SOCKETS_MAX) {
			next.own[next.n_own++] = now[i].inode;
		}
		note(&next, app_ports_find(p, listener_port(&now[i])), &now[i]);
	}
	same = same_ports(p, &next);
	memcpy(p->own, next.own, sizeof(p->own));
	p->n_own = next.n_own;
	memcpy(p->list, next.list, sizeof(p->list));
	p->n = next.n;
	return !same;
}
