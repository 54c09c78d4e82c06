/* Without dependency trees nothing is shareable and every app installs its own. Weak: goes when
 * the real ones (tree.h) are there. */

#include "tree.h"

#include <stdlib.h>

#define ABSENT __attribute__((weak))

ABSENT struct trees *trees_create(void)
{
	return malloc(1);
}

ABSENT void trees_destroy(struct trees *t)
{
	free(t);
}

ABSENT int tree_plan(struct worker *w, const char *project_id, struct tree_plan *ret, struct err *e)
{
	(void)w;
	(void)project_id;
	(void)e;
	*ret = (struct tree_plan){0};
	return 0;
}

ABSENT void tree_plan_fini(struct tree_plan *p)
{
	(void)p;
}

ABSENT int tree_ensure(struct worker *w, const struct tree_plan *plan, int64_t deadline_ms,
		       struct err *e)
{
	(void)w;
	(void)plan;
	(void)deadline_ms;
	return err_set(e, ERR_UNSUPPORTED, "no trees");
}

ABSENT int tree_attach(struct worker *w, const char *sandbox_id, const char *key, uid_t uid,
		       char ret_path[PATH_MAX], struct err *e)
{
	(void)w;
	(void)sandbox_id;
	(void)key;
	(void)uid;
	ret_path[0] = '\0';
	return err_set(e, ERR_NOT_FOUND, "no trees");
}

ABSENT int tree_detach(struct worker *w, const char *sandbox_id, struct err *e)
{
	(void)w;
	(void)sandbox_id;
	(void)e;
	return 0;
}

ABSENT int tree_forget(struct worker *w, const char *sandbox_id, struct err *e)
{
	(void)w;
	(void)sandbox_id;
	(void)e;
	return 0;
}

ABSENT bool tree_is_builder(struct sandboxd *d, const char *sandbox_id)
{
	(void)d;
	(void)sandbox_id;
	return false;
}

ABSENT int tree_reconcile(struct worker *w, struct err *e)
{
	(void)w;
	(void)e;
	return 0;
}
