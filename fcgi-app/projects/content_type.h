#pragma once

/* Media type of a file by its name; application/octet-stream when unknown. */
const char *content_type_of(const char *path);
