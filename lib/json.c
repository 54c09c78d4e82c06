#include "json.h"

#include <string.h>

/*
 * jansson limits depth only at compile time (2048), so nesting is counted before it parses:
 * brackets outside strings. What is malformed otherwise is left for the real parser to name.
 */
static int check_depth(const char *text, size_t len, struct err *e)
{
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\') {
				i++;
			} else if (c == '"') {
				in_string = false;
			}
			continue;
		}
		if (c == '"') {
			in_string = true;
		} else if (c == '[' || c == '{') {
			if (++depth > JSON_DEPTH_MAX) {
				return err_set(e, ERR_INVALID,
					       "JSON is nested deeper than %d levels",
					       JSON_DEPTH_MAX);
			}
		} else if (c == ']' || c == '}') {
			depth--;
		}
	}
	return 0;
}

int json_parse(const char *text, size_t len, size_t max_bytes, json_t **ret_value, struct err *e)
{
	json_error_t why;
	json_t *value;

	if (len > max_bytes) {
		return err_set(e, ERR_TOO_LARGE, "JSON is larger than %zu bytes", max_bytes);
	}
	if (check_depth(text, len, e) < 0) {
		return -1;
	}
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!value && json_error_code(&why) == json_error_null_character) {
		return err_set(e, ERR_INVALID,
			       "the JSON holds a NUL character (line %d, column %d)", why.line,
			       why.column);
	}
	if (!value) {
		return err_set(e, ERR_INVALID, "not valid JSON: %s (line %d, column %d)", why.text,
			       why.line, why.column);
	}
	*ret_value = value;
	return 0;
}

static bool in_list(const char *const *list, const char *s)
{
	for (; *list; list++) {
		if (strcmp(*list, s) == 0) {
			return true;
		}
	}
	return false;
}

static int read_string(const json_t *v, const struct json_field *f, void *member, struct err *e)
{
	size_t len;

	if (!json_is_string(v)) {
		return err_set(e, ERR_INVALID, "\"%s\" must be a string", f->name);
	}
	len = json_string_length(v);
	if (f->min > 0 && len == 0) {
		return err_set(e, ERR_INVALID, "\"%s\" must not be empty", f->name);
	}
	if ((int64_t)len < f->min) {
		return err_set(e, ERR_INVALID, "\"%s\" must have at least %lld bytes", f->name,
			       (long long)f->min);
	}
	if ((int64_t)len > f->max) {
		return err_set(e, ERR_TOO_LARGE, "\"%s\" is longer than %lld bytes", f->name,
			       (long long)f->max);
	}
	if (f->one_of && !in_list(f->one_of, json_string_value(v))) {
		return err_set(e, ERR_INVALID, "\"%s\" has a value that is not known", f->name);
	}
	*(const char **)member = json_string_value(v);
	return 0;
}

static int read_int(const json_t *v, const struct json_field *f, void *member, struct err *e)
{
	if (!json_is_integer(v)) {
		return err_set(e, ERR_INVALID, "\"%s\" must be a whole number", f->name);
	}
	if (json_integer_value(v) < f->min || json_integer_value(v) > f->max) {
		return err_set(e, ERR_INVALID, "\"%s\" must be between %lld and %lld", f->name,
			       (long long)f->min, (long long)f->max);
	}
	*(int64_t *)member = json_integer_value(v);
	return 0;
}

static int read_array(json_t *v, const struct json_field *f, void *member, struct err *e)
{
	if (!json_is_array(v)) {
		return err_set(e, ERR_INVALID, "\"%s\" must be an array", f->name);
	}
	if ((int64_t)json_array_size(v) < f->min || (int64_t)json_array_size(v) > f->max) {
		return err_set(e, ERR_INVALID, "\"%s\" must have %lld to %lld elements", f->name,
			       (long long)f->min, (long long)f->max);
	}
	*(json_t **)member = v;
	return 0;
}

static int read_field(json_t *v, const struct json_field *f, void *member, struct err *e)
{
	switch (f->type) {
	case JSON_FIELD_STRING:
		return read_string(v, f, member, e);
	case JSON_FIELD_INT:
		return read_int(v, f, member, e);
	case JSON_FIELD_BOOL:
		if (!json_is_boolean(v)) {
			return err_set(e, ERR_INVALID, "\"%s\" must be true or false", f->name);
		}
		*(bool *)member = json_is_true(v);
		return 0;
	case JSON_FIELD_OBJECT:
		if (!json_is_object(v)) {
			return err_set(e, ERR_INVALID, "\"%s\" must be an object", f->name);
		}
		*(json_t **)member = v;
		return 0;
	case JSON_FIELD_ARRAY:
		return read_array(v, f, member, e);
	}
	return err_set(e, ERR_INTERNAL, "field %s has no known type", f->name);
}

static int refuse_unknown(const json_t *object, const struct json_field *fields, size_t n_fields,
			  struct err *e)
{
	/* json_object_iter takes a non-const pointer though it changes nothing. */
	union {
		const json_t *in;
		json_t *out;
	} o = {.in = object};

	for (void *it = json_object_iter(o.out); it; it = json_object_iter_next(o.out, it)) {
		const char *key = json_object_iter_key(it);
		bool known = false;

		for (size_t i = 0; i < n_fields && !known; i++) {
			known = strcmp(fields[i].name, key) == 0;
		}
		if (!known) {
			return err_set(e, ERR_INVALID, "unknown field \"%.100s\"", key);
		}
	}
	return 0;
}

int json_read(const json_t *object, const struct json_field *fields, size_t n_fields, void *out,
	      struct err *e)
{
	if (!json_is_object(object)) {
		return err_set(e, ERR_INVALID, "the body must be a JSON object");
	}
	if (refuse_unknown(object, fields, n_fields, e) < 0) {
		return -1;
	}
	for (size_t i = 0; i < n_fields; i++) {
		const struct json_field *f = &fields[i];
		json_t *v = json_object_get(object, f->name);

		if (!v || (f->nullable && json_is_null(v))) {
			if (f->required) {
				return err_set(e, ERR_INVALID, "\"%s\" is missing", f->name);
			}
			continue;
		}
		if (read_field(v, f, (char *)out + f->offset, e) < 0) {
			return -1;
		}
	}
	return 0;
}

int json_read_items(const json_t *array, const struct json_field *field, void *out,
		    size_t item_bytes, struct err *e)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *item = json_array_get(array, i);

		if (!json_is_object(item)) {
			return err_set(e, ERR_INVALID, "%s[%zu] must be an object", field->name, i);
		}
		if (json_read(item, field->objects->fields, field->objects->n,
			      (char *)out + i * item_bytes, e)) {
			return err_prefix(e, "%s[%zu]", field->name, i);
		}
	}
	return 0;
}

char *json_text(const json_t *value)
{
	return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}
