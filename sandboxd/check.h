#pragma once

/* --check: says of each thing sandboxd needs whether it is there. */

struct settings;

/* 0 when all is well; otherwise what is wrong was printed on stdout. */
int check_run(struct settings *s);
