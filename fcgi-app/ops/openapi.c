/* OpenAPI 3.1 from the route table: what it says is what the edge enforces. */

#include "ops/handlers.h"
#include "version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char problem_schema[] =
	"{\"type\":\"object\",\"required\":[\"type\",\"title\",\"status\",\"detail\",\"request_"
	"id\"],"
	"\"properties\":{\"type\":{\"type\":\"string\",\"format\":\"uri-reference\"},"
	"\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
	"\"detail\":{\"type\":\"string\"},\"request_id\":{\"type\":\"string\"}}}";

static const char security_schemes[] =
	"{\"apiKey\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"slw_…\"},"
	"\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-slipway\"}}";

static json_t *string_schema(const struct json_field *f)
{
	json_t *schema = json_pack("{s:s}", "type", "string");

	if (f->one_of) {
		json_t *values = json_array();

		for (size_t i = 0; f->one_of[i]; i++) {
			json_array_append_new(values, json_string(f->one_of[i]));
		}
		json_object_set_new(schema, "enum", values);
		return schema;
	}
	/* Our limits count bytes, OpenAPI's characters: only the upper one holds for both. */
	if (f->min > 0) {
		json_object_set_new(schema, "minLength", json_integer(1));
	}
	if (f->max > 0) {
		json_object_set_new(schema, "maxLength", json_integer(f->max));
	}
	return schema;
}

static json_t *object_schema(const struct json_field *fields, size_t n_fields);

static json_t *array_schema(const struct json_field *f)
{
	json_t *schema = json_pack("{s:s, s:I, s:I}", "type", "array", "minItems",
				   (json_int_t)f->min, "maxItems", (json_int_t)f->max);

	if (f->objects) {
		json_object_set_new(schema, "items",
				    object_schema(f->objects->fields, f->objects->n));
	}
	return schema;
}

static json_t *field_schema(const struct json_field *f)
{
	json_t *schema = NULL;

	switch (f->type) {
	case JSON_FIELD_STRING:
		schema = string_schema(f);
		break;
	case JSON_FIELD_INT:
		schema = json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
				   (json_int_t)f->min, "maximum", (json_int_t)f->max);
		break;
	case JSON_FIELD_BOOL:
		schema = json_pack("{s:s}", "type", "boolean");
		break;
	case JSON_FIELD_OBJECT:
		schema = json_pack("{s:s}", "type", "object");
		break;
	case JSON_FIELD_ARRAY:
		schema = array_schema(f);
		break;
	}
	if (f->nullable) {
		schema = json_pack("{s:[o, {s:s}]}", "anyOf", schema, "type", "null");
	}
	return schema;
}

static json_t *object_schema(const struct json_field *fields, size_t n_fields)
{
	json_t *properties = json_object();
	json_t *required = json_array();
	json_t *schema;

	for (size_t i = 0; i < n_fields; i++) {
		json_object_set_new(properties, fields[i].name, field_schema(&fields[i]));
		if (fields[i].required) {
			json_array_append_new(required, json_string(fields[i].name));
		}
	}
	schema = json_pack("{s:s, s:o, s:b}", "type", "object", "properties", properties,
			   "additionalProperties", 0);
	if (json_array_size(required) > 0) {
		json_object_set_new(schema, "required", required);
	} else {
		json_decref(required);
	}
	return schema;
}

/* NULL: the route takes no body. */
static json_t *request_body(const struct route *r)
{
	if (r->body) {
		return json_pack("{s:b, s:{s:{s:o}}}", "required", 1, "content", "application/json",
				 "schema", object_schema(r->body, r->n_body));
	}
	if (strcmp(r->method, "PUT") == 0) {
		return json_pack("{s:b, s:{s:{}}}", "required", 1, "content",
				 "application/octet-stream");
	}
	return NULL;
}

static json_t *parameter(const char *name, size_t len, const char *in, json_t *schema)
{
	return json_pack("{s:s%, s:s, s:b, s:o}", "name", name, len, "in", in, "required",
			 strcmp(in, "path") == 0, "schema", schema);
}

/* "query:q header:If-Match" */
static void add_extras(json_t *list, const char *extras)
{
	while (extras && *extras) {
		size_t len = strcspn(extras, " ");
		size_t in_len = strcspn(extras, ":");
		char in[8];

		(void)snprintf(in, sizeof(in), "%.*s", (int)in_len, extras);
		json_array_append_new(list, parameter(extras + in_len + 1, len - in_len - 1, in,
						      json_pack("{s:s}", "type", "string")));
		extras += len + strspn(extras + len, " ");
	}
}

static json_t *parameters(const struct route *r)
{
	json_t *list = json_array();

	for (const char *at = strchr(r->pattern, '{'); at; at = strchr(at, '{')) {
		size_t len = strcspn(++at, "*}");

		json_array_append_new(
			list, parameter(at, len, "path", json_pack("{s:s}", "type", "string")));
	}
	if (r->paged) {
		json_array_append_new(
			list, parameter("limit", 5, "query",
					json_pack("{s:s, s:i, s:i, s:i}", "type", "integer",
						  "minimum", 1, "maximum", 100, "default", 50)));
		json_array_append_new(list, parameter("cursor", 6, "query",
						      json_pack("{s:s}", "type", "string")));
	}
	add_extras(list, r->extras);
	return list;
}

static json_t *responses(const struct route *r)
{
	const char *type = r->produces ? r->produces : "application/json";
	char status[12];
	json_t *success;

	(void)snprintf(status, sizeof(status), "%d", r->status);
	if (r->status == 204) {
		success = json_pack("{s:s}", "description", "Done; there is nothing to say.");
	} else if (r->status == 303) {
		success = json_pack("{s:s}", "description", "Location says where to go on.");
	} else if (r->status == 101) {
		success = json_pack("{s:s}", "description", "The connection is a WebSocket now.");
	} else {
		success = json_pack("{s:s, s:{s:{}}}", "description", r->summary, "content", type);
	}
	return json_pack(
		"{s:o, s:{s:s, s:{s:{s:{s:s}}}}}", status, success, "default", "description",
		"Something is wrong; `type` and `status` say what kind, `detail` what.", "content",
		"application/problem+json", "schema", "$ref", "#/components/schemas/Problem");
}

/* "GET /api/v1/projects/{id}" as "get_projects_id": stable, and unique because routes are. */
static void operation_id(const struct route *r, char *buf, size_t cap)
{
	const char *at = r->pattern;
	size_t n = 0;

	if (strncmp(at, "/api/v1", 7) == 0) {
		at += 7;
	}
	for (const char *m = r->method; *m && n + 1 < cap; m++) {
		buf[n++] = (char)(*m - 'A' + 'a');
	}
	for (; *at && n + 1 < cap; at++) {
		if (*at == '/' || *at == '.' || *at == '-') {
			buf[n++] = '_';
		} else if (*at >= 'a' && *at <= 'z') {
			buf[n++] = *at;
		}
	}
	buf[n] = '\0';
}

static json_t *operation(const struct route *r)
{
	char id[128];
	json_t *op, *body = request_body(r);

	operation_id(r, id, sizeof(id));
	op = json_pack("{s:s, s:s, s:o, s:o}", "operationId", id, "summary", r->summary,
		       "parameters", parameters(r), "responses", responses(r));
	if (body) {
		json_object_set_new(op, "requestBody", body);
	}
	if (r->auth == AUTH_NONE) {
		json_object_set_new(op, "security", json_array());
	}
	return op;
}

/* OpenAPI has no parameter that spans segments: {path*} is written {path}. */
static void openapi_path(const char *pattern, char *buf, size_t cap)
{
	size_t n = 0;

	for (; *pattern && n + 1 < cap; pattern++) {
		if (*pattern != '*') {
			buf[n++] = *pattern;
		}
	}
	buf[n] = '\0';
}

static json_t *paths(void)
{
	json_t *all = json_object();

	for (size_t i = 0; i < route_table_len; i++) {
		const struct route *r = &route_table[i];
		char path[256], method[16] = "";
		json_t *item;

		openapi_path(r->pattern, path, sizeof(path));
		for (size_t c = 0; r->method[c] && c + 1 < sizeof(method); c++) {
			method[c] = (char)(r->method[c] - 'A' + 'a');
		}
		item = json_object_get(all, path);
		if (!item) {
			item = json_object();
			json_object_set_new(all, path, item);
		}
		json_object_set_new(item, method, operation(r));
	}
	return all;
}

json_t *openapi_document(void)
{
	return json_pack(
		"{s:s, s:{s:s, s:s, s:s}, s:[{s:s}], s:[{s:[]}, {s:[]}], s:o, s:{s:{s:o}, s:o}}",
		"openapi", "3.1.0", "info", "title", "Slipway", "version", SLIPWAY_VERSION,
		"description",
		"The engine under an AI app builder: prompts become code, code runs in a sandbox.",
		"servers", "url", "/", "security", "apiKey", "session", "paths", paths(),
		"components", "schemas", "Problem", json_loads(problem_schema, 0, NULL),
		"securitySchemes", json_loads(security_schemes, 0, NULL));
}

int openapi_get(struct app *app, struct request *rq, struct response *rs, struct err *e)
{
	auto_json *document = openapi_document();

	(void)app;
	(void)rq;
	return response_json(rs, 200, document, e);
}
