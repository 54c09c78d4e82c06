#pragma once

/* The table "sandboxes": every statement sandboxd makes is here. */

#include "err.h"
#include "token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct db;

enum sandbox_state {
	SANDBOX_STARTING,
	SANDBOX_RUNNING,
	SANDBOX_STOPPING,
	SANDBOX_STOPPED,
	SANDBOX_FAILED,
};

struct sandbox_row {
	char id[UUID_TEXT_BYTES];
	char user_id[UUID_TEXT_BYTES];
	char project_id[UUID_TEXT_BYTES]; /* "": the user's own */
	char profile[16];
	char container_id[80];
	char container_name[128];
	char agent_socket[108];
	enum sandbox_state state;
	bool unwanted; /* desired state 'removed', or its user or project was deleted */
	uid_t host_uid;
	int64_t hydrated_version; /* -1: unknown */
	char phase[16];		  /* what a start of an app is doing; "": none, or done */
	char tree_key[65];	  /* the dependency tree its disk is made for; "": none */
};

/* A project, as far as starting it goes. */
struct project_row {
	char user_id[UUID_TEXT_BYTES];
	bool app_stopped;
	int64_t head_version; /* 0: none yet */
};

const char *sandbox_state_name(enum sandbox_state s);

/* ERR_NOT_FOUND unless the user, and the project of that user when one is given, are there. */
NODISCARD int store_check_owner(struct db *db, const char *user_id, const char *project_id,
				struct err *e);

/* `project_id` NULL: the user's own sandbox. ERR_NOT_FOUND when there is no row. */
NODISCARD int store_find_owned(struct db *db, const char *user_id, const char *project_id,
			       struct sandbox_row *ret, struct err *e);
NODISCARD int store_find(struct db *db, const char *id, struct sandbox_row *ret, struct err *e);

/* All rows. Free the array. */
NODISCARD int store_list(struct db *db, struct sandbox_row **ret, size_t *ret_n, struct err *e);

/*
 * A new row, stopped, with a host uid nobody has. id, user_id, project_id, profile, container_name
 * and agent_socket of `row` are used, host_uid is set. ERR_NO_SPACE when all uids are taken.
 */
NODISCARD int store_insert(struct db *db, struct sandbox_row *row, int64_t uid_base,
			   int64_t uid_count, struct err *e);

/* How many are not at rest: of all, and of one user. */
NODISCARD int store_count_active(struct db *db, const char *user_id, int64_t *ret_all,
				 int64_t *ret_own, struct err *e);

/* Marks that the workspace's contents are unknown. */
NODISCARD int store_forget_contents(struct db *db, const char *id, struct err *e);

/* State changes. Each leaves a desired state of 'removed' alone. */
NODISCARD int store_set_starting(struct db *db, const char *id, struct err *e);
/* `port` 0: nothing is published, and `relay_secret` is not used. */
NODISCARD int store_set_running(struct db *db, const char *id, const char *container_id,
				const char *image_id, int port, const char *relay_secret,
				struct err *e);
NODISCARD int store_set_stopping(struct db *db, const char *id, struct err *e);
NODISCARD int store_set_stopped(struct db *db, const char *id, struct err *e);
NODISCARD int store_set_failed(struct db *db, const char *id, const char *why, struct err *e);

/* running → stopping, only if nobody has used it for idle_s: *ret_done says whether. */
NODISCARD int store_begin_idle_stop(struct db *db, const char *id, int64_t idle_s, bool *ret_done,
				    struct err *e);
/* stopping → running again. */
NODISCARD int store_end_idle_stop(struct db *db, const char *id, struct err *e);

/* Ids of running ones, of one user or (NULL) of all, that nobody has used for idle_s, the idlest
 * first. Free the array. */
NODISCARD int store_list_idle(struct db *db, int64_t idle_s, const char *user_id,
			      char (**ret)[UUID_TEXT_BYTES], size_t *ret_n, struct err *e);

/* Marks a use. */
NODISCARD int store_touch(struct db *db, const char *id, struct err *e);

/* A start was asked for: one at rest is in phase "waiting", and forgets why its last start failed.
 */
NODISCARD int store_begin_start(struct db *db, const char *id, struct err *e);

/* Of a start under way; counts as a use. */
NODISCARD int store_set_phase(struct db *db, const char *id, const char *phase, struct err *e);

/* ERR_NOT_FOUND when there is none, or it or its user was deleted. */
NODISCARD int store_find_project(struct db *db, const char *project_id, struct project_row *ret,
				 struct err *e);

NODISCARD int store_delete(struct db *db, const char *id, struct err *e);

NODISCARD int store_ping(struct db *db, struct err *e);

/* The id of the database itself (table installation). */
NODISCARD int store_installation(struct db *db, char ret_id[UUID_TEXT_BYTES], struct err *e);
