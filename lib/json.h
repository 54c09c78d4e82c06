#pragma once

/*
 * JSON from untrusted hands (RFC 8259): strict UTF-8, no NUL, no duplicate keys, a depth and a size
 * limit; and reading one object into a struct by a table, so that handlers only see checked values.
 */

#include "err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 32

/* Parses exactly one value of any type. ERR_INVALID says where it went wrong; ERR_TOO_LARGE when
 * len > max_bytes. *ret_value is a new reference. */
NODISCARD int json_parse(const char *text, size_t len, size_t max_bytes, json_t **ret_value,
			 struct err *e);

enum json_field_type {
	JSON_FIELD_STRING, /* const char *: borrowed from the object; min and max count bytes */
	JSON_FIELD_INT,	   /* int64_t; min and max are the range */
	JSON_FIELD_BOOL,   /* bool */
	JSON_FIELD_OBJECT, /* json_t *: borrowed */
	JSON_FIELD_ARRAY,  /* json_t *: borrowed; min and max count elements */
};

struct json_field;

struct json_table {
	const struct json_field *fields;
	size_t n;
};

struct json_field {
	const char *name;
	enum json_field_type type;
	bool required;
	bool nullable; /* null reads as absent */
	int64_t min, max;
	size_t offset;			  /* of the member in the output struct */
	const char *const *one_of;	  /* strings only, NULL-terminated, or NULL */
	const struct json_table *objects; /* arrays only: of objects of this form; or NULL */
};

/*
 * Reads `object` into the struct at `out` by the table. Members of absent optional fields are left
 * as they were, so the caller sets defaults first. A field that is not in the table, of the wrong
 * type or out of range is ERR_INVALID with a text naming the field.
 */
NODISCARD int json_read(const json_t *object, const struct json_field *fields, size_t n_fields,
			void *out, struct err *e);

/*
 * Reads `array`, which json_read found for the field, object by object into structs that lie
 * item_bytes apart from `out` on: there is room for all, and they hold the defaults. The text of an
 * error names the place: "changes[3]: …".
 */
NODISCARD int json_read_items(const json_t *array, const struct json_field *field, void *out,
			      size_t item_bytes, struct err *e);

/* A compact serialisation (free it), or NULL when out of memory. */
char *json_text(const json_t *value);

/* Releases a reference at the end of a scope: json_auto_t from jansson, spelt our way. */
#define auto_json json_auto_t
