#include "tree.h"

#include "cleanup.h"
#include "fs.h"
#include "lockfile.h"
#include "settings.h"
#include "strbuf.h"
#include "token.h"
#include "tree_build.h"
#include "tree_store.h"
#include "worker.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define LIST_MAX_BYTES (64 * 1024)

/* Counts up when trees of an older sandboxd are not to be used any more. */
#define TREE_FORMAT 1

static const char *cpu(void)
{
	static struct utsname u;

	if (u.machine[0] == '\0' && uname(&u) < 0) {
		return "";
	}
	if (strcmp(u.machine, "x86_64") == 0) {
		return "x64";
	}
	return strcmp(u.machine, "aarch64") == 0 ? "arm64" : u.machine;
}

/* The names of packages whose install script does nothing that matters here. */
static int read_list(const struct settings *s, struct strbuf *list, struct err *e)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/trees/scripts-not-needed", s->image_dir) >=
	    (int)sizeof(path)) {
		return err_set(e, ERR_INVALID, "path too long: %.200s", s->image_dir);
	}
	strbuf_init(list, LIST_MAX_BYTES);
	return fs_read(path, list, e);
}

/* Everything a tree depends on. Which Node.js it is, the names of base image and version say. */
static int make_key(const struct settings *s, const struct lockfile_tree *t,
		    char ret_key[TREE_KEY_BYTES], struct err *e)
{
	auto_strbuf text;

	strbuf_init(&text, 3 * (MANIFEST_MAX_BYTES + LOCKFILE_MAX_BYTES));
	(void)strbuf_addf(&text, "tree %d\n%s\n%s\n%s\n%s\n", TREE_FORMAT, TREE_BUILD_COMMAND,
			  cpu(), s->base_image, s->node_version);
	(void)strbuf_addf(&text, "%s\n%s\n", t->manifest, t->lockfile);
	if (strbuf_check(&text, "what the tree is made from", e) < 0) {
		return -1;
	}
	sha256_hex(text.data, text.len, ret_key);
	return 0;
}

static int check_files(const struct settings *s, const struct tree_files *files,
		       struct lockfile_tree *ret, struct err *e)
{
	struct lockfile_input in = {.manifest = files->manifest,
				    .manifest_len = files->manifest_len,
				    .lockfile = files->lockfile,
				    .lockfile_len = files->lockfile_len,
				    .cpu = cpu()};
	auto_strbuf list = {0};

	if (!files->manifest || !files->lockfile) {
		return err_set(e, ERR_UNPROCESSABLE, "the project has no %s",
			       files->manifest ? "package-lock.json" : "package.json");
	}
	if (files->other[0] != '\0') {
		return err_set(e, ERR_UNPROCESSABLE, "the project has a file %s", files->other);
	}
	if (read_list(s, &list, e) < 0) {
		return -1;
	}
	in.scripts_not_needed = list.data;
	return lockfile_check(&in, ret, e);
}

static int make_plan(struct worker *w, const char *project_id, struct tree_plan *p, struct err *e)
{
	const struct settings *s = w->sandboxd->settings;
	struct lockfile_tree tree = {0};
	struct tree_files files;
	int rc;

	if (tree_store_files(w->db, project_id, LOCKFILE_MAX_BYTES, &files, e) < 0) {
		return -1;
	}
	rc = check_files(s, &files, &tree, e);
	tree_files_fini(&files);
	if (rc < 0 || make_key(s, &tree, p->key, e) < 0) {
		lockfile_tree_fini(&tree);
		return -1;
	}
	p->manifest = tree.manifest;
	p->lockfile = tree.lockfile;
	p->packages = tree.packages;
	return 0;
}

int tree_plan(struct worker *w, const char *project_id, struct tree_plan *ret, struct err *e)
{
	struct tree_plan p = {0};

	if (make_plan(w, project_id, &p, e) < 0) {
		if (e->kind != ERR_UNPROCESSABLE && e->kind != ERR_TOO_LARGE) {
			return -1;
		}
		p = (struct tree_plan){0};
		(void)snprintf(p.why, sizeof(p.why), "%.*s", (int)sizeof(p.why) - 1, e->text);
	}
	*ret = p;
	return 0;
}

void tree_plan_fini(struct tree_plan *p)
{
	free(p->manifest);
	free(p->lockfile);
	*p = (struct tree_plan){0};
}
