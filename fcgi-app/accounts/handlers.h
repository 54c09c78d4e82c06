#pragma once

/* Accounts over HTTP (docs/API.md): signing in, oneself, users (owners only), API keys. */

#include "http/route.h"

route_handler login_post, logout_post;					   /* login.c */
route_handler me_get, me_password_post;					   /* me.c */
route_handler users_list, users_create, user_get, user_patch, user_delete; /* users.c */
route_handler api_keys_list, api_keys_create, api_key_delete;		   /* api_keys.c */

extern const struct json_field login_fields[2];
extern const struct json_field me_password_fields[2];
extern const struct json_field user_create_fields[3];
extern const struct json_field user_patch_fields[3];
extern const struct json_field api_key_create_fields[1];
