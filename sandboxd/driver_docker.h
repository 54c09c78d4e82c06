#pragma once

/* The Docker driver: Engine API 1.40 or newer on a unix socket. */

struct driver;
struct settings;

/* `s` is borrowed for the driver's life. NULL: out of memory. Does not connect yet. */
struct driver *driver_docker_create(const struct settings *s);
