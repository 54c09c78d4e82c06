#pragma once

/* Projects, their files and their versions over HTTP (docs/API.md). All answer 404 alike for what
 * does not exist and for what belongs to somebody else. */

#include "http/route.h"

route_handler projects_list, projects_create, project_get, project_patch, project_delete;
route_handler project_undelete, project_export;
route_handler files_list, file_get, file_put, file_delete;
route_handler changes_post, project_search;
route_handler versions_list, version_get, version_restore, version_diff;

extern const struct json_field project_create_fields[3];
extern const struct json_field project_patch_fields[2];
extern const struct json_field changes_fields[3];
