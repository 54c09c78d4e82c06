#pragma once

/*
 * What sandboxd wants of a container runtime. Docker is the first driver (driver_docker.h); any
 * other must pass the same contract test (tests/system/driver_contract.c).
 *
 * One thread uses a driver at a time. Every call has a deadline of its own. Errors: ERR_UNAVAILABLE
 * (the runtime does not answer; the text names it), ERR_NOT_FOUND, ERR_TIMEOUT, ERR_NO_SPACE,
 * ERR_UPSTREAM (it refused; the text has its words).
 */

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct driver;
struct strbuf;

#define DRIVER_ID_BYTES	   80 /* a container's or image's id */
#define DRIVER_NAME_BYTES  128
#define DRIVER_LABELS_MAX  8
#define DRIVER_ENV_MAX	   16
#define DRIVER_BINDS_MAX   8
#define DRIVER_LIST_MAX	   20000
#define DRIVER_LABEL_OWNER "slipway.instance" /* whose containers they are */
#define DRIVER_LABEL_ID	   "slipway.sandbox"

struct driver_label {
	const char *name, *value;
};

struct driver_bind {
	const char *host_path, *path;
	bool read_only;
};

/* A network of our own: a bridge whose members cannot reach each other, from which nothing is
 * masqueraded, and without IPv6. What its members may reach is the firewall's business. */
struct driver_network {
	const char *name;
	const char *owner;     /* label DRIVER_LABEL_OWNER */
	const char *interface; /* the bridge on the host */
	const char *subnet;    /* "10.213.0.0/20" */
	const char *gateway;   /* the host's address in it */
};

/* What a sandbox is made of. All pointers are borrowed for the call. */
struct driver_spec {
	const char *name;
	const char *image;   /* an image id, so that a newer one of the same name cannot slip in */
	const char *runtime; /* such as "runc" */
	const char *hostname;
	struct driver_label labels[DRIVER_LABELS_MAX]; /* as many as have a name */
	const char *env[DRIVER_ENV_MAX];	       /* "NAME=value", as many as are not NULL */
	struct driver_bind binds[DRIVER_BINDS_MAX];    /* as many as have a path */
	int64_t memory_bytes;			       /* with swap: swap adds nothing */
	int64_t cpu_milli;
	int64_t pids_max;
	int64_t tmp_bytes;	       /* size of /tmp */
	const char *network;	       /* name of one of ours, or NULL: none at all */
	int container_port, host_port; /* TCP; published on 127.0.0.1. 0: nothing is */
};

struct driver_container {
	char id[DRIVER_ID_BYTES];
	char name[DRIVER_NAME_BYTES];
	char sandbox[40]; /* label DRIVER_LABEL_ID, "" when absent or not a UUID */
	bool running;
	bool oom_killed; /* inspect only */
	int exit_code;	 /* inspect only; of one that has ended */
};

/* Something happened to the container of this sandbox: it ended, was removed, ran out of memory. */
typedef void driver_event_fn(void *ctx, const char *sandbox);

struct driver_ops {
	void (*destroy)(struct driver *d);
	/* The runtime answers within so long and is new enough; ERR_UNAVAILABLE also when it hangs.
	 */
	int (*ping)(struct driver *d, int64_t timeout_ms, struct err *e);
	/* Id of the image of that name. */
	int (*image_find)(struct driver *d, const char *name, char ret_id[DRIVER_ID_BYTES],
			  struct err *e);
	/* Makes the sandbox image when it is missing or changed. Takes minutes; on_line gets its
	 * words. */
	int (*image_ensure)(struct driver *d, void (*on_line)(void *ctx, const char *line),
			    void *ctx, struct err *e);
	/* ERR_CONFLICT when the name is taken. */
	int (*create)(struct driver *d, const struct driver_spec *spec,
		      char ret_id[DRIVER_ID_BYTES], struct err *e);
	/* ERR_CONFLICT when the host's port is taken; it stays created then. */
	int (*start)(struct driver *d, const char *id, struct err *e);
	/* Asks it to end and kills it after grace_s. 0 also when it has ended or is gone. */
	int (*stop)(struct driver *d, const char *id, int grace_s, struct err *e);
	/* Kills and removes. 0 also when it is gone. */
	int (*remove)(struct driver *d, const char *id, struct err *e);
	/* By id or name. */
	int (*inspect)(struct driver *d, const char *id, struct driver_container *ret,
		       struct err *e);
	/* Appends the last lines its first program printed, as much as *b takes. */
	int (*last_words)(struct driver *d, const char *id, struct strbuf *b, struct err *e);
	/* Every container of this owner, running or not. Free the array. */
	int (*list)(struct driver *d, const char *owner, struct driver_container **ret,
		    size_t *ret_n, struct err *e);
	/* Makes the network, or leaves it when it is as wanted. One of that name that differs is
	 * replaced. ERR_CONFLICT when that one is in use, or the subnet or interface is taken. */
	int (*network_ensure)(struct driver *d, const struct driver_network *n, struct err *e);
	/* 0 also when there is none. ERR_CONFLICT when it is in use. */
	int (*network_remove)(struct driver *d, const char *name, struct err *e);
	/* Reports until the connection ends (ERR_UNAVAILABLE) or `keep_on` says false (0). on_ready
	 * is called once events are certain to be seen. */
	int (*watch)(struct driver *d, const char *owner, driver_event_fn *on_event,
		     void (*on_ready)(void *ctx), bool (*keep_on)(void *ctx), void *ctx,
		     struct err *e);
};

struct driver {
	const struct driver_ops *ops;
};

static inline void driver_destroy(struct driver *d)
{
	if (d) {
		d->ops->destroy(d);
	}
}
