#pragma once

/*
 * The catalogue of templates: `templates/<id>/template.json` and the template's files beneath
 * `templates/<id>/files/`. Read from the release directory at each use: it is small, and an update
 * needs no restart.
 *
 * template.json: {"name", "description", "tags": [text…], "keywords": [text…]}. The keywords are
 * what the offline provider matches a prompt against; those that are tags as well count for more.
 */

#include "app.h"
#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define TEMPLATES_MAX		64
#define TEMPLATE_ID_MAX_BYTES	40
#define TEMPLATE_FILES_MAX	200
#define TEMPLATE_FILE_MAX_BYTES (1024 * 1024)

/* `bytes` lives until it returns. -1 stops. */
typedef int template_file_fn(void *ctx, const char *path, const void *bytes, size_t len, int mode,
			     struct err *e);

/* 1..TEMPLATE_ID_MAX_BYTES of [a-z0-9-], not starting with '-'. */
bool template_id_valid(const char *id);

/* Each file in path order; mode is 0644 or 0755. ERR_NOT_FOUND for an unknown id. */
NODISCARD int template_each_file(struct app *app, const char *template_id, template_file_fn *fn,
				 void *ctx, struct err *e);

/* All of them by id: an array of {"id", "name", "description", "tags", "keywords", "files"}, where
 * files is their number. A directory whose template.json does not read is ERR_INTERNAL. */
NODISCARD int templates_load(struct app *app, json_t **ret_items, struct err *e);
