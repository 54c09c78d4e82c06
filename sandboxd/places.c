#include "places.h"

#include "cleanup.h"
#include "log.h"
#include "sandbox.h"
#include "settings.h"
#include "worker.h"

#define EVICT_IDLE_S 60

int places_make_room(struct worker *w, bool *ret_room, struct err *e)
{
	auto_free char(*ids)[UUID_TEXT_BYTES] = NULL;
	int64_t active;
	size_t n;

	if (store_count_active(w->db, &active, e) < 0) {
		return -1;
	}
	*ret_room = active < w->sandboxd->settings->sandboxes_max;
	if (*ret_room) {
		return 0;
	}
	if (store_list_idle(w->db, EVICT_IDLE_S, &ids, &n, e) < 0) {
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
