#include "places.h"

#include "cleanup.h"
#include "log.h"
#include "sandbox.h"
#include "settings.h"
#include "worker.h"

#define EVICT_IDLE_S 60

struct places {
	int64_t all, own; /* sandboxes that run, and those of one user */
	bool full, own_full;
};

static int count(struct worker *w, const char *user_id, struct places *ret, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;

	if (store_count_active(w->db, user_id, &ret->all, &ret->own, e) < 0) {
		return -1;
	}
	ret->full = ret->all >= s->sandboxes_max;
	ret->own_full = ret->own >= s->user_sandboxes_max;
	return 0;
}

int places_check(struct worker *w, const char *user_id, struct err *e)
{
	struct places p;

	if (count(w, user_id, &p, e) < 0) {
		return -1;
	}
	if (p.own_full) {
		return err_set(e, ERR_RATE_LIMITED,
			       "as many sandboxes of yours are running and in use as "
			       "SLIPWAY_USER_SANDBOXES_MAX allows (%lld): stop one of your apps, "
			       "or try again when one is idle",
			       (long long)p.own);
	}
	if (p.full) {
		return err_set(e, ERR_RATE_LIMITED,
			       "as many sandboxes are running and in use as SLIPWAY_SANDBOXES_MAX "
			       "allows (%lld); try again when others are idle",
			       (long long)p.all);
	}
	return 0;
}

int places_make_room(struct worker *w, const char *user_id, bool *ret_room, struct err *e)
{
	auto_free char(*ids)[UUID_TEXT_BYTES] = NULL;
	struct places p;
	size_t n;

	if (count(w, user_id, &p, e) < 0) {
		return -1;
	}
	*ret_room = !p.full && !p.own_full;
	if (*ret_room) {
		return 0;
	}
	if (store_list_idle(w->db, EVICT_IDLE_S, p.own_full ? user_id : NULL, &ids, &n, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < n && !*ret_room; i++) {
		struct err why;

		if (sandbox_stop_idle(w, ids[i], EVICT_IDLE_S, ret_room, &why) < 0) {
			log_err(LOG_WARN, "sandbox_not_evicted", &why);
		}
	}
	return 0;
}
